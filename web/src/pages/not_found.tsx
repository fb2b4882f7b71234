import {href, path} from '../shell/location';
import {Title} from '../shell/title';
import {t} from '../shell/words';

export default function NotFoundPage() {
  return <><Title text={t('Not found')} /><p class="empty">{t('There is no page {0}.', path.value)} <a href={href('overview')}>{t('Overview')}</a></p></>;
}
