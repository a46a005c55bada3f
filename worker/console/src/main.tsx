import './styles/tokens.css';
import './styles/base.css';
import './styles/components.css';
import './styles/frame.css';

import { render } from 'preact';

import { App } from './app';
import { apply } from './frame/theme';

/** A token in the address is taken out of it before anything else is fetched. */
function takeToken(): string | null {
  const offered = location.pathname === '/sign-in' ? new URLSearchParams(location.hash.slice(1)).get('token') : null;
  if (location.hash !== '') history.replaceState(null, '', location.pathname + location.search);
  return offered;
}

const offered = takeToken();
apply();
const root = document.querySelector('#app');
if (root) render(<App offered={offered} />, root);
