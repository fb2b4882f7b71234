// Icons drawn as strokes, so that they take the colour of their text.
const kPaths = {
  overview: 'M3 12h4l3 8 4-16 3 8h4',
  dashboards: 'M4 4h7v9H4zM13 4h7v5h-7zM13 11h7v9h-7zM4 15h7v5H4z',
  explore: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l5 5',
  alerts: 'M6 17V11a6 6 0 0 1 12 0v6l2 2H4zM10 21h4',
  incidents: 'M12 3l10 18H2zM12 10v5M12 18v.5',
  rules: 'M5 5h14M5 12h14M5 19h9',
  targets: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8z',
  status: 'M4 5h16v6H4zM4 13h16v6H4zM7 8h1M7 16h1',
  refresh: 'M20 11a8 8 0 1 0-2.3 6M20 4v7h-7',
  clock: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l4 2',
  theme: 'M20 14A8.5 8.5 0 1 1 10 4a7 7 0 0 0 10 10z',
  close: 'M6 6l12 12M18 6L6 18',
  down: 'M6 9l6 6 6-6',
  right: 'M9 6l6 6-6 6',
  left: 'M15 6l-6 6 6 6',
  zoomOut: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l5 5M8 11h6',
  link: 'M10 14a4 4 0 0 0 6 .5l3-3a4 4 0 0 0-6-6l-1.5 1.5M14 10a4 4 0 0 0-6-.5l-3 3a4 4 0 0 0 6 6l1.5-1.5',
  more: 'M12 5v.5M12 12v.5M12 19v.5',
  table: 'M4 5h16v14H4zM4 10h16M10 5v14',
  cost: 'M12 3v18M16 7c-1-1.5-2.5-2-4-2-2.5 0-4 1.3-4 3.2 0 4.6 8.4 2.4 8.4 7 0 2-1.800 3.300-4.400 3.300-2 0-3.500-.7-4.500-2.200',
  oncall: 'M6 3h4l2 5-2.500 1.500a11 11 0 0 0 5 5L16 12l5 2v4a2 2 0 0 1-2 2A16 16 0 0 1 4 5a2 2 0 0 1 2-2z',
  silence: 'M5 9h3l5-4v14l-5-4H5zM17 9l5 6M22 9l-5 6',
  plus: 'M12 5v14M5 12h14',
  full: 'M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5',
  info: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 11v5M12 8v.5',
} as const;

export type IconName = keyof typeof kPaths;

/** Decoration: what it means is said by the text or the label beside it. */
export function Icon({name, size = 16}: {name: IconName; size?: number}) {
  return (
    <svg class="icon" viewBox="0 0 24 24" width={size} height={size} aria-hidden="true">
      <path d={kPaths[name]} />
    </svg>
  );
}
