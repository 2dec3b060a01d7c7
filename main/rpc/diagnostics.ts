import { availableParallelism, freemem, homedir, version as kernelVersion, release, totalmem } from 'node:os';
import type { LiveLab, Terminal } from '../../contract/live.ts';
import type { LabSummary } from '../../contract/status.ts';
import type { Task } from '../../contract/task.ts';

const logLines = 60;
const taskLines = 20;

const mebibytes = (bytes: number) => Math.round(bytes / 1024 ** 2);

/** Keys, tokens and the name of the user's directory are nobody's business. */
export function withoutSecrets(text: string, home: string): string {
  const plain = text
    .replaceAll(
      /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g,
      '(private key)',
    )
    .replaceAll(/((?:token|password|passwd|secret|authorization)["']?\s*[=:]\s*)\S+/gi, '$1(hidden)');
  return home.length > 1 ? plain.replaceAll(home, '~') : plain;
}

function ofLab({ lab, state, createdAt, hosts, probes }: LiveLab): string[] {
  const red = probes.filter(({ ok }) => !ok);
  return [
    `lab ${lab.name}: ${state}, made ${createdAt}`,
    `  overlay ${lab.network.cidr} ${JSON.stringify(lab.network.backend)}`,
    `  underlay ${lab.underlay.cidr}, MTU ${lab.underlay.mtu}; etcd on ${lab.etcd.members.join(', ')}, TLS ${lab.etcd.tls}`,
    ...hosts.flatMap(({ name, reach, status, links, kernel }) => [
      `  host ${name} ${status.address}: ${reach.kind}${reach.kind === 'reconnecting' ? ` (${reach.reason})` : ''}, read ${status.at}`,
      `    kernel ${kernel ?? '?'}; etcd ${status.services.etcd}, agent ${status.services.agent} ${status.agent?.version ?? ''}, Docker ${status.services.docker} ${status.docker?.version ?? ''}`,
      `    subnet ${status.agent?.subnet ?? '?'}; bip ${status.docker?.bip ?? '?'}, MTU ${status.docker?.mtu ?? '?'}`,
      ...links.map(
        (link) => `    ${link.name} ${link.operationalState} mtu ${link.mtu} ${link.addresses.join(' ')}`,
      ),
      ...(status.error === null ? [] : [`    error: ${status.error}`]),
    ]),
    `  ${probes.length} cells measured, ${red.length} red`,
    ...red
      .slice(0, 20)
      .map(
        ({ at, kind, from, to, expected, seen }) =>
          `    ${at} ${kind} ${from.name} → ${to.name}: expected ${expected}, saw ${seen}`,
      ),
  ];
}

function ofTask(task: Task): string[] {
  return [
    `task “${task.title}”: ${task.state} after ${task.seconds ?? '?'} s, begun ${task.startedAt}`,
    ...(task.error === null ? [] : [`  ${task.error.code}: ${task.error.message}`]),
    ...task.steps
      .filter(({ state }) => state === 'failed')
      .map(({ id, message }) => `  step ${id}: ${message ?? ''}`),
    ...task.log.slice(-taskLines).map((text) => `  | ${text}`),
  ];
}

/** What a person who is asked for help needs to know, as text and without secrets. */
export function describeEverything(known: {
  readonly version: string;
  readonly labs: readonly LabSummary[];
  readonly lab: LiveLab | null;
  readonly tasks: readonly Task[];
  readonly terminals: readonly Terminal[];
  readonly log: readonly string[];
}): string {
  const { version, labs, lab, tasks, terminals, log } = known;
  const failed = tasks.filter(({ state }) => state === 'failed');
  const lines = [
    `Flatland ${version}, ${new Date().toISOString()}`,
    `Node ${process.version} on ${process.platform} ${process.arch}, ${release()} (${kernelVersion()})`,
    `${availableParallelism()} processors, ${mebibytes(freemem())} of ${mebibytes(totalmem())} MiB memory free`,
    '',
    ...(labs.length === 0 ? ['no labs'] : []),
    ...labs.map(
      ({ name, state, hosts, pods, backend }) =>
        `lab ${name}: ${state}, ${hosts} hosts, ${pods} pods, ${backend}`,
    ),
    ...(lab === null ? [] : ['', ...ofLab(lab)]),
    '',
    `${tasks.length} tasks, ${failed.length} of them failed; ${terminals.length} terminals`,
    ...failed.flatMap(ofTask),
    '',
    'last lines of the log:',
    ...log.slice(-logLines).map((text) => `  ${text}`),
  ];
  return withoutSecrets(`${lines.join('\n')}\n`, homedir());
}
