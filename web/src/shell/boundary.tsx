import {Component, type ComponentChildren} from 'preact';
import {messageOf} from '../api/client';
import {t} from './words';

/** Keeps a mistake in one part from taking the page with it. */
export class Boundary extends Component<{children: ComponentChildren}, {error: unknown}> {
  override state = {error: undefined as unknown};

  static override getDerivedStateFromError(error: unknown): {error: unknown} {
    return {error};
  }

  override componentDidCatch(error: unknown): void {
    console.error(error);
  }

  override render() {
    if (this.state.error === undefined) return this.props.children;
    return (
      <p class="empty bad" role="alert">{t('This could not be drawn: {0}', messageOf(this.state.error))}{' '}
        <button onClick={() => this.setState({error: undefined})}>{t('Try again')}</button></p>
    );
  }
}
