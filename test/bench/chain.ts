import { installation } from '../../main/create-router.ts';
import { openRootSession } from '../../main/host/sandbox/session.ts';
import { takeBack } from '../../main/lab/down.ts';
import type { TypedStep } from '../../main/lab/plan.ts';
import { runSteps } from '../../main/lab/schedule.ts';
import { claimLab, closeSession, openSession, runnable } from '../../main/lab/up.ts';

/** Seconds of each link of the longest chain that nobody can avoid, each measured with nothing beside it. */
export interface Chain {
  readonly boot: number;
  readonly quorum: number;
  readonly docker: number;
  readonly container: number;
}

/**
 * Builds a lab by the engine's own steps, but one link after another: the boot of one host, a quorum of three etcd
 * members, one Docker, one container. What stands between them is done and not counted.
 */
export async function measureChain(): Promise<Chain> {
  const own = installation();
  const name = 'bench-chain';
  const silent = () => {};
  const { prepared, record } = await claimLab({ kind: 'generated', hosts: 3, backend: 'vxlan', name });
  const root = openRootSession(own.rootProgram);
  const session = await openSession(prepared, record, root, own, silent);
  const run = async (chosen: (step: TypedStep) => boolean): Promise<number> => {
    const steps = prepared.steps.filter(chosen).map((step) => ({ ...step, needs: [] }));
    const began = performance.now();
    const outcome = await runSteps(name, steps.map(runnable(session)), silent, new AbortController().signal);
    if (outcome.kind === 'failed') throw outcome.cause;
    return (performance.now() - began) / 1000;
  };
  const is = (kind: TypedStep['work']['kind'], host?: string) => (step: TypedStep) =>
    step.work.kind === kind && (host === undefined || step.host === host);
  try {
    await run(is('underlay'));
    const boot = await run(is('boot', 'h1'));
    await run(is('boot'));
    await run(is('place'));
    const quorum = await run(is('etcd'));
    await run(is('network'));
    await run(is('agent'));
    const docker = await run(is('docker', 'h1'));
    await run(is('image', 'h1'));
    const container = await run(({ work }) => work.kind === 'pod' && work.pod === 'h1-a');
    return { boot, quorum, docker, container };
  } finally {
    await closeSession(session);
    await takeBack({ name, root, sink: silent, forget: true });
    root.close();
  }
}
