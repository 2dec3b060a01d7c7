/** The places of the app. A place is a hash path, so that it can be linked to in both doors: `#/lab/demo/probes?from=web-1`. */
export const places = {
  start: () => '/',
  create: (from?: { sample: string } | { lab: string }) =>
    from === undefined ? '/new' : `/new?${new URLSearchParams(from)}`,
  topology: (lab: string) => `/lab/${encodeURIComponent(lab)}`,
  hosts: (lab: string) => `/lab/${encodeURIComponent(lab)}/hosts`,
  host: (lab: string, host: string) => `/lab/${encodeURIComponent(lab)}/hosts/${encodeURIComponent(host)}`,
  probes: (lab: string, pair?: { from: string; to: string }) =>
    `/lab/${encodeURIComponent(lab)}/probes${pair === undefined ? '' : `/${encodeURIComponent(pair.from)}/${encodeURIComponent(pair.to)}`}`,
  containers: (lab: string) => `/lab/${encodeURIComponent(lab)}/containers`,
  timeline: (lab: string) => `/lab/${encodeURIComponent(lab)}/timeline`,
};

/** A part of a place as it was before it was put into one; a link that was damaged on its way names what it says. */
export function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export interface Crumb {
  readonly label: string;
  readonly place: string;
}

const views: Record<string, string> = {
  hosts: 'Hosts',
  probes: 'Probes',
  containers: 'Containers',
  timeline: 'Timeline',
};

/** Where a path (and its query, without `?`) is, from the outermost place to itself. */
export function crumbsOf(path: string, query = ''): Crumb[] {
  const [area, name, view, ...rest] = path.split('/').filter(Boolean).map(decodePart);
  const labs = { label: 'Labs', place: places.start() };
  if (area === 'new') {
    const lab = new URLSearchParams(query).get('lab');
    if (lab === null) return [labs, { label: 'New lab', place: places.create() }];
    return [
      labs,
      { label: lab, place: places.topology(lab) },
      { label: 'Edit', place: places.create({ lab }) },
    ];
  }
  if (area !== 'lab' || name === undefined) return [labs];
  const crumbs = [labs, { label: name, place: places.topology(name) }];
  const label = view === undefined ? undefined : views[view];
  if (view === undefined || label === undefined) return crumbs;
  const base = `${places.topology(name)}/${view}`;
  crumbs.push({ label, place: base });
  if (rest.length > 0)
    crumbs.push({ label: rest.join(' → '), place: [base, ...rest.map(encodeURIComponent)].join('/') });
  return crumbs;
}
