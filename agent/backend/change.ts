import { formatCidr } from '../../contract/ipv4.ts';
import { applyBatch, type Route } from '../kernel/ip.ts';
import { replaceRoute, routeChanges, type WantedRoute } from '../kernel/route.ts';

/** An entry of the kernel that we want, under the name of its place, with the line of `ip` or `bridge` that puts it there. */
export interface Entry {
  readonly name: string;
  readonly line: string;
}

/** One line to run. `wanted` is the entry that it brings about, null for a stale one that goes; `subnets` the peers it is for. */
export interface Change {
  readonly name: string;
  readonly line: string;
  readonly wanted: Entry | null;
  readonly subnets: readonly string[];
}

/** Changes that one process applies; steps run one after the other. */
export interface Step {
  readonly program: 'ip' | 'bridge';
  readonly changes: readonly Change[];
}

export const staleChange = (name: string, line: string): Change => ({
  name,
  line,
  wanted: null,
  subnets: [],
});

export const wantedChange = (entry: Entry, subnets: readonly string[]): Change => ({
  ...entry,
  wanted: entry,
  subnets,
});

/** Applies all steps, going on after a line that fails; resolves to the reasons of the failures by the peers' subnets. */
export async function applySteps(steps: readonly Step[], signal: AbortSignal): Promise<Map<string, string>> {
  const failed = new Map<string, string>();
  for (const { program, changes } of steps) {
    signal.throwIfAborted();
    const refusals = await applyBatch(
      program,
      changes.map(({ line }) => line),
    );
    // A stale entry that is gone already is as it should be; one that stays comes up again at the next pass.
    for (const { line, reason } of refusals) {
      const change = changes[line];
      if (change?.wanted === undefined || change.wanted === null) continue;
      for (const subnet of change.subnets) failed.set(subnet, `${change.name}: ${reason}`);
    }
  }
  return failed;
}

/**
 * How many of the changes put right what somebody else had changed: an entry that the pass before had brought about and
 * that was wrong now, or a foreign one that had come up since. Before the first pass (null) nothing of it was ours.
 */
export function countRepairs(steps: readonly Step[], before: readonly Entry[] | null): number {
  if (before === null) return 0;
  const lines = new Set(before.map(({ line }) => line));
  const names = new Set(before.map(({ name }) => name));
  const changes = steps.flatMap((step) => step.changes);
  return changes.filter(({ name, wanted }) => (wanted === null ? !names.has(name) : lines.has(wanted.line)))
    .length;
}

/** The kernel's own routes, which come with an interface's address (rtnetlink(7), RTPROT_KERNEL). */
const kernelProtocol = 2;

/** Why some wanted routes can't be, by their destination: it is the range of one of this host's own interfaces. */
export function blockedRoutes(
  kernel: readonly Route[],
  wanted: readonly WantedRoute[],
): ReadonlyMap<string, string> {
  const ranges = new Map<string, string>();
  for (const { destination, protocol, metric, device } of kernel)
    if (protocol === kernelProtocol && metric === 0 && device !== null)
      ranges.set(formatCidr(destination), device);
  const blocked = new Map<string, string>();
  for (const { destination, device } of wanted) {
    const subnet = formatCidr(destination);
    const owner = ranges.get(subnet);
    if (owner !== undefined && owner !== device)
      blocked.set(subnet, `${subnet} is also the range of ${owner} on this host`);
  }
  return blocked;
}

/**
 * `routeChanges` as steps: stale routes go first, `routes` is for the end. A route that comes with an address of this
 * host isn't replaced: that would cut off whoever is there, such as containers whose bridge still has an old subnet.
 */
export function routeSteps(
  kernel: readonly Route[],
  wanted: readonly WantedRoute[],
  isStale: (route: Route) => boolean,
): { readonly stale: Step; readonly routes: Step; readonly blocked: ReadonlyMap<string, string> } {
  const stale: Change[] = [];
  const routes: Change[] = [];
  const blocked = blockedRoutes(kernel, wanted);
  const possible = wanted.filter(({ destination }) => !blocked.has(formatCidr(destination)));
  for (const { line, destination, wanted: route } of routeChanges(kernel, possible, isStale)) {
    const subnet = formatCidr(destination);
    const name = `route ${subnet}`;
    if (route === null) stale.push(staleChange(name, line));
    else routes.push({ name, line, wanted: routeEntry(route), subnets: [subnet] });
  }
  return {
    stale: { program: 'ip', changes: stale },
    routes: { program: 'ip', changes: routes },
    blocked,
  };
}

export const routeEntry = (route: WantedRoute): Entry => ({
  name: `route ${formatCidr(route.destination)}`,
  line: replaceRoute(route),
});
