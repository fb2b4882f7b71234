import {render} from 'preact';
import {App} from './app';
import {startClock} from './shell/clock';
import {startLocation} from './shell/location';
import {startSettings} from './shell/settings';
import {startWords} from './shell/words';
import './style/tokens.css';
import './style/shell.css';
import './style/content.css';
import './style/panels.css';
import './style/overview.css';

startSettings();
startWords();
startLocation();
startClock();
const root = document.getElementById('app');
if (root) render(<App />, root);
