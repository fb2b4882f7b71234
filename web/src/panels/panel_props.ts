import type {PanelData} from '../dashboard/load';
import type {Scope} from '../dashboard/interpolate';
import type {Panel} from '../dashboard/types';
import type {Mark} from '../charts/plot_view';

/** What every kind of panel is drawn from. */
export interface PanelProps {
  panel: Panel;
  data: PanelData;
  scope: Scope;
  marks: readonly Mark[];
}
