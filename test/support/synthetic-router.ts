import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { LabEvent, PlannedStep, WorkKind } from '../../contract/event.ts';
import type { HistoryEntry } from '../../contract/history.ts';
import type { BackendType } from '../../contract/lab.ts';
import type { LiveEvent } from '../../contract/live.ts';
import type { LadderRung, MtuLadder, ProbeEnd, ProbeResult, ProbeSelection } from '../../contract/probe.ts';
import type { LabSource, PlanResult } from '../../contract/request.ts';
import type { LabSummary, PodStatus } from '../../contract/status.ts';
import { failure } from '../../main/failure.ts';
import { formatLabFile } from '../../main/lab/file/generate.ts';
import { readLabFile } from '../../main/lab/file/parse.ts';
import { resolveLab } from '../../main/lab/file/resolve.ts';
import { expectedSeconds, noUpkeep, planUp } from '../../main/lab/plan.ts';
import { labFileOf, withoutWork } from '../../main/lab/prepare.ts';
import { firstSizes } from '../../main/probe/ladder.ts';
import { summarise } from '../../main/probe/proof.ts';
import { backendHeaders } from '../../main/provision/network-config.ts';
import type { ExecStreams, Router } from '../../main/router.ts';
import { broadcast } from '../../main/rpc/broadcast.ts';
import {
  addPod,
  type Cell,
  cellsOf,
  hostAt,
  type MadeLab,
  makeLab,
  measure,
  mtuOf,
  openLab,
  pastOf,
  randomNumbers,
  sampleAt,
  troubleOf,
} from './synthetic-lab.ts';
import { syntheticShell } from './synthetic-shell.ts';

export interface SyntheticOptions {
  readonly hosts: number;
  readonly podsPerHost: number;
  /** How often each host tells of itself and gives a sample. */
  readonly eventsPerSecondPerHost: number;
  readonly seed: number;
  readonly backend: BackendType;
  /** `well`; `troubled`: the last host is lost, and the one before it drops large packets; `none`: there is no lab at all. */
  readonly state: 'well' | 'troubled' | 'none';
  /** Smaller labs beside the one that is asked for: one in trouble, and one that is half-built. */
  readonly others: boolean;
  /** How many things happened before. */
  readonly history: number;
  /** How much faster than in the world work goes; tests want it fast. */
  readonly speed: number;
}

const usual: SyntheticOptions = {
  hosts: 3,
  podsPerHost: 2,
  eventsPerSecondPerHost: 1,
  seed: 1,
  backend: 'vxlan',
  state: 'well',
  others: false,
  history: 120,
  speed: 1,
};

const hour = 3_600_000;
const minute = 60_000;

type Sink = (event: LabEvent) => void;

/** A lab with those who watch it. */
interface Kept {
  readonly made: MadeLab;
  readonly events: ReturnType<typeof broadcast<LiveEvent>>;
  readonly history: HistoryEntry[];
  readonly results: Map<string, ProbeResult>;
}

/**
 * A router whose labs are made up, but behave: for the development of screens, for their tests and for measuring them. Everything
 * that it tells is the same for the same seed, but for the times.
 */
export function createSyntheticRouter(chosen: Partial<SyntheticOptions> = {}): Router {
  const options = { ...usual, ...chosen };
  const labs = new Map<string, Kept>();
  const listChanges = broadcast<null>();
  const closing = new AbortController();

  const pause = (seconds: number, signal?: AbortSignal) =>
    delay((seconds * 1000) / options.speed, undefined, {
      ...(signal === undefined ? {} : { signal: AbortSignal.any([signal, closing.signal]) }),
    });

  const keep = (made: MadeLab, past: number): Kept => {
    const kept: Kept = {
      made,
      events: broadcast<LiveEvent>(),
      history: pastOf(made, past, Date.now()),
      results: new Map(),
    };
    labs.set(made.lab.name, kept);
    return kept;
  };
  const find = (name: string | undefined): Kept => {
    const kept = name === undefined ? [...labs.values()][0] : labs.get(name);
    if (kept === undefined) throw failure('lab-unknown', `There is no lab ${JSON.stringify(name ?? '')}.`);
    return kept;
  };
  const mustHaveHost = ({ made }: Kept, host: string) => {
    if (made.lab.hosts.every(({ name }) => name !== host))
      throw failure('host-unknown', `There is no host ${JSON.stringify(host)} in lab ${made.lab.name}.`);
  };
  const mustHavePod = ({ made }: Kept, pod: string): PodStatus => {
    const found = made.pods.get(pod);
    if (found === undefined)
      throw failure('host-unknown', `There is no pod ${JSON.stringify(pod)} in lab ${made.lab.name}.`);
    return found;
  };
  const headOf = ({ made }: Kept): LiveEvent => ({
    type: 'lab',
    lab: made.lab,
    state: made.state,
    createdAt: made.createdAt,
  });
  const summaryOf = ({ made: { lab, state, createdAt, pods } }: Kept): LabSummary => ({
    name: lab.name,
    state,
    createdAt,
    hosts: lab.hosts.length,
    pods: pods.size,
    backend: lab.network.backend.type,
    cidr: lab.network.cidr,
    underlay: lab.underlay.cidr,
  });
  const list = () => [...labs.values()].map(summaryOf);
  const tellHost = ({ made, events }: Kept, host: string) =>
    events.send({ type: 'hosts', hosts: [hostAt(made, host, Date.now())] });
  const happened = (
    kept: Kept,
    entry: Partial<HistoryEntry> & Pick<HistoryEntry, 'subject' | 'level' | 'title'>,
  ) => {
    const full: HistoryEntry = {
      detail: null,
      host: null,
      pod: null,
      pair: null,
      ...entry,
      id: randomUUID(),
      at: new Date().toISOString(),
    };
    kept.history.push(full);
    kept.events.send({ type: 'history', entries: [full] });
  };
  const keyOf = ({ kind, from, to }: Cell) => `${kind} ${from.kind} ${from.name} ${to.name}`;
  const record = (kept: Kept, result: ProbeResult) => {
    const before = kept.results.get(keyOf(result));
    kept.results.set(keyOf(result), result);
    kept.events.send({ type: 'probes', results: [result] });
    if (before === undefined || before.ok === result.ok) return;
    happened(kept, {
      subject: 'probe',
      level: result.ok ? 'good' : 'bad',
      title: `${result.kind} ${result.from.name} → ${result.to.name} ${result.ok ? 'works again' : 'fails'}`,
      detail: `expected ${result.expected}, saw ${result.seen}`,
      host: result.from.host,
      pair: { from: result.from.name, to: result.to.name, kind: result.kind },
    });
  };
  const setState = (kept: Kept, state: MadeLab['state']) => {
    kept.made.state = state;
    kept.events.send(headOf(kept));
    listChanges.send(null);
  };

  const selected = (kept: Kept, selection: ProbeSelection | undefined): Cell[] => {
    const cells = cellsOf(kept.made).filter(
      ({ kind, from, to }) =>
        (selection?.from ?? from.name) === from.name &&
        (selection?.to ?? to.name) === to.name &&
        (selection?.kinds ?? [kind]).includes(kind),
    );
    if (cells.length === 0) throw failure('input-invalid', 'No cell of the matrix is meant by this.');
    return cells;
  };
  /** Measures cells, all within about so many seconds. */
  const measureAll = async (
    kept: Kept,
    cells: readonly Cell[],
    seconds: number,
    sink: (result: ProbeResult) => void,
    signal: AbortSignal,
  ) => {
    const results: ProbeResult[] = [];
    const atOnce = Math.max(1, Math.ceil(cells.length / Math.max(1, seconds * 10)));
    for (let index = 0; index < cells.length; index += atOnce) {
      await pause(0.1, signal);
      for (const cell of cells.slice(index, index + atOnce)) {
        const result = measure(kept.made, cell, Date.now());
        results.push(result);
        record(kept, result);
        sink(result);
      }
    }
    return results;
  };
  const proofOf = ({ made }: Kept, results: readonly ProbeResult[]) => summarise(results, mtuOf(made));

  /** Runs steps side by side as their needs allow, in about the time that each is expected to take. */
  const runSteps = async (
    lab: string,
    steps: readonly PlannedStep[],
    sink: Sink,
    signal: AbortSignal,
    act: (step: PlannedStep) => Promise<unknown> | undefined,
  ) => {
    const next = randomNumbers(options.seed + steps.length);
    const done = new Map<string, Promise<void>>();
    const at = () => new Date().toISOString();
    const run = async (step: PlannedStep) => {
      await Promise.all(step.needs.map((need) => done.get(need)));
      signal.throwIfAborted();
      const began = performance.now();
      const base = { lab, step: step.id };
      const seconds = () => Math.round(performance.now() - began) / 1000;
      sink({ type: 'step-started', at: at(), ...base });
      try {
        const parts =
          step.expectedSeconds > 0.3 ? ['preparing', 'waiting for it to answer', 'almost there'] : [];
        for (const message of parts) {
          sink({ type: 'step-progress', at: at(), ...base, message });
          sink({ type: 'step-log', at: at(), ...base, line: `${step.id}: ${message}` });
          await pause((step.expectedSeconds / (parts.length + 1)) * (0.7 + next() * 0.6), signal);
        }
        await pause(step.expectedSeconds * 0.4, signal);
        await act(step);
      } catch (thrown) {
        sink({ type: 'step-cancelled', at: at(), ...base, seconds: seconds() });
        throw thrown;
      }
      sink({ type: 'step-done', at: at(), ...base, seconds: seconds(), outcome: 'changed', detail: null });
    };
    for (const step of steps) {
      const running = run(step);
      running.catch(() => {});
      done.set(step.id, running);
    }
    await Promise.all(done.values());
  };

  /** Long work from its plan to its end; `take` undoes it when it is cancelled. */
  const work = async (
    kind: WorkKind,
    lab: string,
    sink: Sink,
    signal: AbortSignal,
    steps: readonly PlannedStep[],
    body: () => Promise<readonly ProbeResult[] | null>,
    takeBack: () => Promise<unknown> = async () => {},
  ) => {
    const began = performance.now();
    const at = () => new Date().toISOString();
    sink({ type: 'planned', at: at(), lab, work: kind, steps: [...steps] });
    const end = (outcome: 'done' | 'failed' | 'cancelled', results: readonly ProbeResult[] | null) => {
      const kept = labs.get(lab);
      const proof = results === null || kept === undefined ? null : proofOf(kept, results);
      const red = proof === null ? 0 : proof.cells - proof.greenCells;
      sink({
        type: 'finished',
        at: at(),
        lab,
        work: kind,
        outcome: red > 0 ? 'failed' : outcome,
        seconds: Math.round(performance.now() - began) / 1000,
        proof,
        error:
          red > 0
            ? failure('proof-red', `${red} of ${proof?.cells ?? 0} probes are red.`).error
            : outcome === 'cancelled'
              ? failure('cancelled', 'Cancelled').error
              : null,
      });
    };
    try {
      end('done', await body());
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
      await takeBack();
      end('cancelled', null);
    }
  };

  const downSteps = (kept: Kept): PlannedStep[] => {
    const base = { needs: [] as string[], deadlineSeconds: 60 };
    const hosts = kept.made.lab.hosts.map(({ name }) => ({
      ...base,
      id: `remove-host:${name}`,
      title: 'remove host',
      host: name,
      expectedSeconds: 0.6,
    }));
    const ids = hosts.map(({ id }) => id);
    return [
      ...hosts,
      {
        ...base,
        id: 'lower-underlay',
        title: 'remove underlay',
        host: null,
        needs: ids,
        expectedSeconds: 0.2,
      },
      {
        ...base,
        id: 'forget',
        title: 'forget the lab',
        host: null,
        needs: ['lower-underlay'],
        expectedSeconds: 0.1,
      },
    ];
  };
  const remove = (kept: Kept) => {
    labs.delete(kept.made.lab.name);
    kept.events.send({ type: 'gone' });
    listChanges.send(null);
  };
  const takeDown = async (kept: Kept, sink: Sink) => {
    const steps = downSteps(kept);
    const { name } = kept.made.lab;
    sink({ type: 'planned', at: new Date().toISOString(), lab: name, work: 'down', steps });
    await runSteps(name, steps, sink, new AbortController().signal, async () => {});
    remove(kept);
  };

  const decide = (source: LabSource) => {
    const file = labFileOf(source);
    const lab = resolveLab({
      file,
      id: randomUUID().slice(0, 8),
      taken: [...labs.values()].flatMap(({ made }) => [
        { cidr: made.lab.network.cidr, owner: `the overlay of lab ${made.lab.name}` },
        { cidr: made.lab.underlay.cidr, owner: `the underlay of lab ${made.lab.name}` },
      ]),
      previous: labs.get(file.name)?.made.lab ?? null,
    });
    return { lab, steps: planUp(lab, noUpkeep).map(withoutWork) };
  };
  const plan = async (source: LabSource): Promise<PlanResult> => {
    const { lab, steps } = decide(source);
    const hosts = lab.hosts.length;
    return {
      lab: lab.name,
      steps,
      notices: [],
      cost: {
        seconds: Math.round(expectedSeconds(steps, 2) * 10) / 10,
        memoryMebibytes: hosts * 90,
        diskMebibytes: hosts * 12,
      },
    };
  };

  const podChanged = (kept: Kept, pod: PodStatus, title: string) => {
    kept.made.pods.set(pod.name, pod);
    tellHost(kept, pod.host);
    listChanges.send(null);
    happened(kept, {
      subject: 'pod',
      level: 'neutral',
      title: `${pod.name} ${title}`,
      host: pod.host,
      pod: pod.name,
    });
  };

  const printLines = async (
    lines: (index: number) => string,
    { follow, count }: { follow: boolean; count: number },
    streams: ExecStreams,
    signal: AbortSignal,
  ): Promise<number> => {
    const begin = Date.now() - count * 1000;
    for (let index = 0; index < count && !signal.aborted; index += 1)
      streams.output.write(`${new Date(begin + index * 1000).toISOString()} ${lines(index)}\n`);
    for (let index = count; follow && !signal.aborted; index += 1) {
      await delay(1000, undefined, { signal }).catch(() => {});
      if (!signal.aborted) streams.output.write(`${new Date().toISOString()} ${lines(index)}\n`);
    }
    return 0;
  };

  if (options.state !== 'none') {
    const { hosts, podsPerHost, backend, seed } = options;
    const created = (ago: number) => new Date(Date.now() - ago).toISOString();
    const main = makeLab({ name: 'synthetic', hosts, podsPerHost, backend, seed, network: 42 });
    const trouble = ({ made }: Kept) => {
      const last = made.lab.hosts.at(-1);
      const small = made.lab.hosts.at(-2);
      if (last !== undefined) made.trouble.set(last.name, { kind: 'lost', since: Date.now() - 95_000 });
      if (small !== undefined) made.trouble.set(small.name, { kind: 'small-mtu' });
    };
    const kept = keep(openLab(main, seed, created(2.4 * hour)), options.history);
    if (options.state === 'troubled') trouble(kept);
    if (options.others) {
      const troubled = makeLab({
        name: 'troubled',
        hosts: 4,
        podsPerHost: 3,
        backend: 'udp',
        seed: seed + 1,
        network: 43,
      });
      trouble(keep(openLab(troubled, seed + 1, created(26 * hour)), 300));
      const half = makeLab({
        name: 'halfway',
        hosts: 2,
        podsPerHost: 2,
        backend: 'host-gw',
        seed: seed + 2,
        network: 44,
      });
      const halfway = keep(openLab(half, seed + 2, created(4 * minute)), 6);
      halfway.made.state = 'half-built';
      for (const pod of [...halfway.made.pods.values()].slice(-1))
        halfway.made.pods.set(pod.name, { ...pod, state: 'missing', address: null });
    }
    const now = Date.now();
    for (const each of labs.values())
      cellsOf(each.made).forEach((cell, index) => {
        each.results.set(keyOf(cell), measure(each.made, cell, now - 40_000 + (index % 1000)));
      });
  }

  return {
    plan,
    check: async ({ path, text }) => {
      const reading = readLabFile(text);
      if (reading.kind === 'problems') return { kind: 'problems', problems: [...reading.problems] };
      const { file } = reading;
      try {
        return { kind: 'plan', file, plan: await plan({ kind: 'file', path, text }) };
      } catch {
        const { error } = failure('range-clash', 'The ranges of this lab are taken.');
        return { kind: 'impossible', file, error };
      }
    },
    describe: async ({ lab }) => {
      const { made } = find(lab);
      return formatLabFile({
        name: made.lab.name,
        network: made.lab.network,
        underlay: { cidr: made.lab.underlay.cidr, mtu: made.lab.underlay.mtu },
        hosts: made.lab.hosts.map(({ name, provider }) => ({ name, provider })),
        etcd: { tls: made.lab.etcd.tls },
        pods: made.lab.pods.map(({ command, ...pod }) => ({
          ...pod,
          ...(command === null ? {} : { command }),
        })),
      });
    },
    up: async (source, sink, signal) => {
      const { lab, steps } = decide(source);
      const before = labs.get(lab.name);
      if (before?.made.state === 'busy')
        throw failure('lab-busy', `Another command is at work on lab ${lab.name}.`);
      // The pods of a new lab start one by one; `openLab` would have them all running.
      const kept =
        before ?? keep(openLab({ ...lab, pods: [] }, options.seed + labs.size, new Date().toISOString()), 0);
      kept.made.lab = lab;
      setState(kept, 'busy');
      happened(kept, { subject: 'work', level: 'neutral', title: `bringing up ${lab.name}` });
      await work(
        'up',
        lab.name,
        sink,
        signal,
        steps,
        async () => {
          let results: ProbeResult[] = [];
          await runSteps(lab.name, steps, sink, signal, (step) => {
            const pod = lab.pods.find(({ name }) => step.id === `pod:${name}`);
            if (pod !== undefined && !kept.made.pods.has(pod.name))
              podChanged(kept, addPod(kept.made, pod, true), 'runs');
            if (step.host !== null) tellHost(kept, step.host);
            if (step.id !== 'proof') return undefined;
            const tell = (result: ProbeResult) =>
              sink({ type: 'probed', at: result.at, lab: lab.name, result });
            return measureAll(kept, cellsOf(kept.made), 1, tell, signal).then((all) => {
              results = all;
            });
          });
          setState(kept, 'up');
          happened(kept, { subject: 'work', level: 'good', title: `${lab.name} is up` });
          return results;
        },
        () => takeDown(kept, sink),
      );
    },
    repair: async ({ lab }, sink, signal) => {
      const kept = find(lab);
      const { name } = kept.made.lab;
      const steps = planUp(kept.made.lab, noUpkeep).map(withoutWork);
      setState(kept, 'busy');
      await work('up', name, sink, signal, steps, async () => {
        let results: ProbeResult[] = [];
        try {
          await runSteps(name, steps, sink, signal, (step) => {
            if (step.host !== null && step.id.startsWith('boot:')) {
              kept.made.trouble.delete(step.host);
              tellHost(kept, step.host);
              happened(kept, {
                subject: 'host',
                level: 'good',
                title: `${step.host} is connected again`,
                host: step.host,
              });
            }
            if (step.id !== 'proof') return undefined;
            const tell = (result: ProbeResult) => sink({ type: 'probed', at: result.at, lab: name, result });
            return measureAll(kept, cellsOf(kept.made), 1, tell, signal).then((all) => {
              results = all;
            });
          });
        } finally {
          setState(kept, 'up');
        }
        return results;
      });
    },
    down: async ({ lab }, sink, signal) => {
      const kept = find(lab);
      const { name } = kept.made.lab;
      const steps = downSteps(kept);
      setState(kept, 'busy');
      await work('down', name, sink, signal, steps, async () => {
        await runSteps(name, steps, sink, new AbortController().signal, async () => {});
        remove(kept);
        return null;
      });
    },
    probe: async ({ lab, selection }, sink, signal) => {
      const kept = find(lab);
      const { name } = kept.made.lab;
      const cells = selected(kept, selection);
      await work('probe', name, sink, signal, [], () =>
        measureAll(
          kept,
          cells,
          Math.min(2, 0.3 + cells.length / 100),
          (result) => sink({ type: 'probed', at: result.at, lab: name, result }),
          signal,
        ),
      );
    },
    remeasure: async ({ lab, selection }, sink, signal) => {
      const kept = find(lab);
      await measureAll(kept, selected(kept, selection), 0.4, sink, signal);
    },
    ladder: async ({ lab, from, to }, sink, signal): Promise<MtuLadder> => {
      const kept = find(lab);
      const { made } = kept;
      const target = mustHavePod(kept, to);
      const pod = made.pods.get(from);
      if (pod === undefined) mustHaveHost(kept, from);
      const fromEnd: ProbeEnd = {
        kind: pod === undefined ? 'host' : 'pod',
        name: from,
        host: pod?.host ?? from,
        address: pod?.address ?? made.lab.hosts.find(({ name }) => name === from)?.address ?? '',
      };
      const sameHost = fromEnd.host === target.host;
      const small =
        !sameHost && [fromEnd.host, target.host].some((host) => troubleOf(made, host).kind === 'small-mtu');
      const lost = [fromEnd.host, target.host].some((host) => troubleOf(made, host).kind === 'lost');
      const largest = mtuOf(made) - (small ? 50 : 0);
      const rungs: LadderRung[] = [];
      const ladder = (): MtuLadder => ({
        at: new Date().toISOString(),
        from: fromEnd,
        to: { kind: 'pod', name: to, host: target.host, address: target.address ?? '' },
        backend: made.lab.network.backend.type,
        underlayMtu: made.lab.underlay.mtu,
        expectedMtu: mtuOf(made),
        largest: rungs.findLast(({ outcome }) => outcome === 'passed')?.size ?? null,
        headers: sameHost ? [] : backendHeaders(made.lab.network.backend),
        rungs: [...rungs],
      });
      const sizes = [...new Set([...firstSizes(mtuOf(made), made.lab.underlay.mtu), largest, largest + 1])];
      for (const size of sizes.sort((one, other) => one - other)) {
        await pause(0.15, signal);
        rungs.push(
          lost
            ? { size, outcome: 'dropped', milliseconds: null, said: null }
            : size <= largest
              ? { size, outcome: 'passed', milliseconds: 0.21 + size / 20_000, said: null }
              : size > mtuOf(made)
                ? {
                    size,
                    outcome: 'refused',
                    milliseconds: null,
                    said: `local error: message too long, mtu=${mtuOf(made)}`,
                  }
                : { size, outcome: 'dropped', milliseconds: null, said: null },
        );
        sink(ladder());
      }
      return ladder();
    },
    list: async () => list(),
    watchLabs: async (sink, signal) => {
      sink(list());
      const stop = listChanges.listen(() => sink(list()));
      try {
        await ended(AbortSignal.any([signal, closing.signal]));
      } finally {
        stop();
      }
    },
    status: async ({ lab }) => {
      const { made } = find(lab);
      const hosts = made.lab.hosts.map(({ name }) => hostAt(made, name, Date.now()).status);
      return { lab: made.lab, state: made.state, at: new Date().toISOString(), hosts };
    },
    watch: async ({ lab }, sink, signal) => {
      const kept = find(lab);
      const { made } = kept;
      const now = Date.now();
      const all = () => made.lab.hosts.map(({ name }) => name);
      sink(headOf(kept));
      sink({ type: 'hosts', hosts: all().map((name) => hostAt(made, name, now)) });
      const past = Math.min(300, Math.floor(60_000 / made.lab.hosts.length));
      for (let index = past; index > 0; index -= 1)
        sink({ type: 'samples', samples: all().map((name) => sampleAt(made, name, now - index * 2000)) });
      sink({ type: 'probes', results: [...kept.results.values()] });
      sink({ type: 'history', entries: [...kept.history] });
      const either = AbortSignal.any([signal, closing.signal]);
      await new Promise<void>((resolve) => {
        const beatMilliseconds = 250;
        let beat = 0;
        const tick = () => {
          beat += 1;
          const time = Date.now();
          const period = Math.max(1, Math.round(1000 / options.eventsPerSecondPerHost / beatMilliseconds));
          const due = all().filter((_, index) => (index + beat) % period === 0);
          if (due.length === 0) return;
          sink({ type: 'hosts', hosts: due.map((name) => hostAt(made, name, time)) });
          const answering = due.filter((name) => troubleOf(made, name).kind !== 'lost');
          if (answering.length > 0)
            sink({ type: 'samples', samples: answering.map((name) => sampleAt(made, name, time)) });
        };
        const timer = options.eventsPerSecondPerHost > 0 ? setInterval(tick, beatMilliseconds) : undefined;
        const stop = kept.events.listen((event) => {
          sink(event);
          if (event.type === 'gone') end();
        });
        function end() {
          clearInterval(timer);
          stop();
          either.removeEventListener('abort', end);
          resolve();
        }
        either.addEventListener('abort', end);
        if (either.aborted) end();
      });
    },
    run: async ({ lab, host, image, name, command, labels }, signal) => {
      const kept = find(lab);
      mustHaveHost(kept, host);
      if (troubleOf(kept.made, host).kind === 'lost')
        throw failure('host-lost', `Host ${host} does not answer.`);
      if (image?.startsWith('missing') === true)
        throw failure('image-unknown', `Host ${host} has no image ${image}.`);
      await pause(0.8, signal);
      const pod = addPod(
        kept.made,
        {
          name: name ?? `run-${randomUUID().slice(0, 4)}`,
          host,
          image: image ?? 'flatland/pod',
          command: command ?? null,
          ports: [80],
          labels: labels ?? {},
        },
        false,
      );
      podChanged(kept, pod, 'runs');
      return pod;
    },
    stopPod: async ({ lab, pod }, signal) => {
      const kept = find(lab);
      const status = mustHavePod(kept, pod);
      await pause(0.5, signal);
      podChanged(kept, { ...status, state: 'exited', address: null }, 'was stopped');
    },
    startPod: async ({ lab, pod }, signal) => {
      const kept = find(lab);
      const status = mustHavePod(kept, pod);
      await pause(0.5, signal);
      podChanged(kept, addPod(kept.made, status, status.declared), 'runs');
    },
    removePod: async ({ lab, pod }, signal) => {
      const kept = find(lab);
      const status = mustHavePod(kept, pod);
      await pause(0.5, signal);
      kept.made.pods.delete(pod);
      tellHost(kept, status.host);
      listChanges.send(null);
      happened(kept, { subject: 'pod', level: 'neutral', title: `${pod} was removed`, host: status.host });
    },
    images: async ({ lab, host }) => {
      mustHaveHost(find(lab), host);
      return [
        { name: 'flatland/pod:latest', id: 'sha256:3f1c9a54e0d7', bytes: 2_310_144 },
        { name: 'redis:7-alpine', id: 'sha256:9b2a61c07d3e', bytes: 41_287_680 },
        { name: 'nginx:1.27', id: 'sha256:5ad0c3b8f1e2', bytes: 191_983_616 },
      ];
    },
    loadImage: async ({ lab, hosts }, sink, signal) => {
      const kept = find(lab);
      for (const host of hosts) mustHaveHost(kept, host);
      const steps: PlannedStep[] = hosts.map((host) => ({
        id: `load:${host}`,
        title: 'load image',
        host,
        needs: [],
        expectedSeconds: 2,
        deadlineSeconds: 600,
      }));
      const { name } = kept.made.lab;
      await work('image', name, sink, signal, steps, async () => {
        await runSteps(name, steps, sink, signal, async () => {});
        return null;
      });
    },
    stopHost: async ({ lab, host }, sink, signal) => {
      const kept = find(lab);
      mustHaveHost(kept, host);
      const { name } = kept.made.lab;
      const step: PlannedStep = {
        id: `stop:${host}`,
        title: 'switch off',
        host,
        needs: [],
        expectedSeconds: 0.5,
        deadlineSeconds: 30,
      };
      await work('host', name, sink, signal, [step], async () => {
        await runSteps(name, [step], sink, signal, async () => {
          kept.made.trouble.set(host, { kind: 'lost', since: Date.now() });
        });
        tellHost(kept, host);
        happened(kept, { subject: 'host', level: 'bad', title: `${host} does not answer any more`, host });
        return null;
      });
    },
    exec: async (request, streams, signal) => {
      const kept = find(request.lab);
      const { target } = request;
      const pod = kept.made.pods.get(target);
      if (pod === undefined) mustHaveHost(kept, target);
      const host = pod?.host ?? target;
      if (troubleOf(kept.made, host).kind === 'lost')
        throw failure('host-lost', `Host ${host} does not answer.`);
      const address = pod?.address ?? kept.made.lab.hosts.find(({ name }) => name === target)?.address ?? '';
      const shell = new AbortController();
      const stop = kept.events.listen((event) => {
        if (event.type === 'gone' || troubleOf(kept.made, host).kind === 'lost') shell.abort();
      });
      try {
        const code = await syntheticShell(
          request,
          { name: target, address },
          streams,
          AbortSignal.any([signal, closing.signal, shell.signal]),
        );
        if (shell.signal.aborted) throw failure('host-lost', `The connection to ${host} was lost.`);
        return code;
      } finally {
        stop();
      }
    },
    logs: async ({ lab, host, service, follow, lines }, streams, signal) => {
      mustHaveHost(find(lab), host);
      const line = (index: number) =>
        `${host} ${service}[${412}]: level=info msg="subnet lease renewed" count=${index}`;
      return printLines(line, { follow, count: Math.min(lines, 200) }, streams, signal);
    },
    podLogs: async ({ lab, pod, follow, lines }, streams, signal) => {
      mustHavePod(find(lab), pod);
      const line = (index: number) => `${pod} "GET /whoami HTTP/1.1" 200 ${40 + (index % 9)} <b>not bold</b>`;
      return printLines(line, { follow, count: Math.min(lines, 200) }, streams, signal);
    },
    close: async () => closing.abort(),
  };
}

const ended = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
