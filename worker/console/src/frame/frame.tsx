import { useSignalEffect } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useLocation } from 'preact-iso';
import { useEffect, useState } from 'preact/hooks';

import { get } from '../api/client';
import { awaySince } from '../api/connection';
import { me, signOut } from '../api/session';
import { Alert } from '../components/alert';
import { IconButton } from '../components/button';
import { Icon } from '../components/icon';
import { Menu } from '../components/menu';
import { Notifications } from '../components/notifications';
import { crumbs } from '../components/page';
import { count, shortTime } from '../format';
import { texts } from '../texts';
import { GoTo, showGoTo } from './go-to';
import { askNeeds, needs } from './needs';
import { type Place, places } from './places';
import { Shortcuts, showShortcuts } from './shortcuts';
import { SignInAgain } from './sign-in-again';
import { useMedia } from '../media';
import { choose, type Theme, theme } from './theme';

const NARROW = 'data-connector.narrow';
/** Below these the navigation is narrow, unless somebody made it wide: a modeler has panes of its own on both sides. */
const ROOMY = '(min-width: 1200px)';
const ROOMY_FOR_MODELER = '(min-width: 1600px)';

/** What surrounds every page of somebody who is signed in. */
export function Frame({ children }: { children: ComponentChildren }) {
  const { path, query } = useLocation();
  const [menuOpen, setMenuOpen] = useState(false);
  const isRoomy = useMedia(path === '/modeler' && Object.keys(query).length > 0 ? ROOMY_FOR_MODELER : ROOMY);
  const [chosen, setChosen] = useState(localStorage.getItem(NARROW));
  const narrow = chosen === null ? !isRoomy : chosen === 'yes';
  useEffect(() => setMenuOpen(false), [path]);
  useEffect(() => void askNeeds(), [path]);
  useSignalEffect(() => void (me.value && askNeeds()));
  useSignalEffect(() => {
    if (awaySince.value === null) return;
    const timer = setInterval(() => void get('/version').catch(() => {}), 3_000);
    return () => clearInterval(timer);
  });
  const turnNarrow = () => {
    const next = narrow ? 'no' : 'yes';
    localStorage.setItem(NARROW, next);
    setChosen(next);
  };
  return (
    <div class={narrow ? 'frame frame-narrow' : 'frame'}>
      <a class="skip" href="#main" onClick={toMain}>
        {texts.frame.skip}
      </a>
      <Header onMenu={() => setMenuOpen(!menuOpen)} menuOpen={menuOpen} />
      <nav
        class={menuOpen ? 'nav nav-open' : 'nav'}
        aria-label={texts.frame.main}
        id="navigation"
        onKeyDown={(event) => event.key === 'Escape' && setMenuOpen(false)}
      >
        <ul>
          {places().map((place) => (
            <PlaceLink key={place.path} place={place} here={path} />
          ))}
        </ul>
        <IconButton
          icon="panel-left"
          label={narrow ? texts.frame.wide : texts.frame.narrow}
          class="nav-fold"
          onClick={turnNarrow}
        />
      </nav>
      <main id="main" class="main" tabIndex={-1}>
        {awaySince.value && <Alert what={texts.frame.away(shortTime(awaySince.value))} next={texts.frame.awayNext} />}
        {children}
      </main>
      <Notifications />
      <GoTo />
      <Shortcuts />
      <SignInAgain />
    </div>
  );
}

function toMain(event: MouseEvent) {
  event.preventDefault();
  document.querySelector<HTMLElement>('#main')?.focus();
}

function PlaceLink({ place, here }: { place: Place; here: string }) {
  const current = here === place.path || here.startsWith(`${place.path}/`);
  const number = needs.value.filter((need) => place.needs?.includes(need.kind)).reduce((sum, need) => sum + need.count, 0);
  const id = `need-${place.path.slice(1)}`;
  return (
    <li>
      <a
        href={place.path}
        aria-current={current ? 'page' : undefined}
        aria-describedby={number ? id : undefined}
        title={place.text}
      >
        <Icon name={place.icon} />
        <span class="nav-text">{place.text}</span>
      </a>
      {number > 0 && (
        <span class="nav-count" aria-hidden="true">
          {count(number)}
        </span>
      )}
      {number > 0 && (
        <span id={id} class="hidden">
          {texts.frame.needing(number)}
        </span>
      )}
    </li>
  );
}

const THEMES: [Theme, string][] = [
  ['system', texts.frame.system],
  ['light', texts.frame.light],
  ['dark', texts.frame.dark],
];

function Header({ onMenu, menuOpen }: { onMenu: () => void; menuOpen: boolean }) {
  const whose = me.value;
  return (
    <header class="header" role="banner">
      <div class="header-start">
        <IconButton
          icon="menu"
          label={texts.frame.menu}
          class="header-menu"
          aria-expanded={menuOpen}
          aria-controls="navigation"
          onClick={onMenu}
        />
        <a class="brand" href="/overview" aria-label={texts.product}>
          <BrandMark />
          <span>{texts.product}</span>
        </a>
        <Crumbs />
      </div>
      <div class="go-to">
        <button type="button" onClick={showGoTo} aria-keyshortcuts="Control+K" title={texts.goTo.label}>
          <Icon name="search" />
          <span>{texts.goTo.title}</span>
        </button>
        <kbd aria-hidden="true">Ctrl K</kbd>
      </div>
      <div class="header-end">
        <Menu
          label={texts.frame.theme}
          icon={theme.value === 'dark' ? 'moon' : theme.value === 'light' ? 'sun' : 'monitor'}
          items={THEMES.map(([to, text]) => ({ text, checked: theme.value === to, act: () => choose(to) }))}
        />
        <Menu
          label={texts.frame.account}
          icon="circle-user-round"
          header={
            whose && (
              <div class="menu-header">
                <strong>{whose.name}</strong>
                <span class="quiet">{texts.frame.scopes(whose.scopes)}</span>
              </div>
            )
          }
          items={[
            { text: texts.shortcuts.title, icon: 'keyboard', act: showShortcuts },
            { text: texts.frame.signOut, icon: 'log-out', act: signOut },
          ]}
        />
      </div>
    </header>
  );
}

function Crumbs() {
  if (crumbs.value.length === 0) return null;
  return (
    <nav class="crumbs" aria-label={texts.frame.crumbs}>
      {crumbs.value.map((crumb) => (
        <a key={crumb.href} href={crumb.href}>
          {crumb.text}
        </a>
      ))}
    </nav>
  );
}

export function BrandMark() {
  return (
    <svg class="brand-mark" viewBox="0 0 24 24" aria-hidden="true">
      <rect width="24" height="24" rx="6" />
      <path d="M7 8.5h4.2a3.5 3.5 0 0 1 0 7H7M17 8.5v7" />
      <circle cx="7" cy="12" r="1.4" />
      <circle cx="17" cy="12" r="1.9" />
    </svg>
  );
}
