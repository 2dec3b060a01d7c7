import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Lab } from '../../contract/lab.ts';
import { arbitraryLab } from '../../test/support/labs.ts';
import { labDifference } from './file/difference.ts';
import { expectedSeconds, noUpkeep, planDown, planUp, type TypedStep, type Upkeep } from './plan.ts';

/** What `up` has to take away when `lab` takes the place of `base`, as `prepare` decides it for a running lab. */
const upkeep = (base: Lab, lab: Lab): Upkeep => {
  const difference = labDifference(base, lab);
  return {
    hostsRemoved: difference.hostsRemoved,
    podsRemoved: base.pods.filter(
      ({ name, host }) =>
        !difference.hostsRemoved.includes(host) && lab.pods.find((pod) => pod.name === name)?.host !== host,
    ),
    etcdLeaving: difference.etcdMembersRemoved,
    etcdJoining: difference.etcdMembersAdded,
  };
};

/** A new lab, or a running one with what has to be taken away. The other lab shares some host names with it. */
const planned = fc.tuple(arbitraryLab, fc.option(fc.func(fc.boolean()))).map(([lab, keeps]) => {
  if (keeps === null) return { lab, care: noUpkeep };
  const gone = (name: string) => `${name}-x`;
  const rename = (name: string) => (keeps(name) ? name : gone(name));
  const base: Lab = {
    ...lab,
    hosts: lab.hosts.map((host) => ({ ...host, name: rename(host.name) })),
    etcd: { ...lab.etcd, members: lab.etcd.members.map(rename) },
    pods: lab.pods.map((pod, index) => ({
      ...pod,
      host: rename(pod.host),
      name: keeps(index) ? pod.name : `old-${pod.name}`,
    })),
  };
  return { lab, care: upkeep(base, lab) };
});

/** All steps that must be done before a step. */
function ancestors(steps: readonly TypedStep[], id: string): Set<string> {
  const found = new Set<string>();
  const visit = (at: string) => {
    for (const need of steps.find((step) => step.id === at)?.needs ?? []) {
      if (found.has(need)) continue;
      found.add(need);
      visit(need);
    }
  };
  visit(id);
  return found;
}

function checkGraph(steps: readonly TypedStep[]): void {
  const seen = new Set<string>();
  for (const step of steps) {
    expect(seen.has(step.id)).toBe(false);
    // In this order a step's needs are known already, hence there is no cycle and nothing is missing.
    for (const need of step.needs) expect(seen).toContain(need);
    expect(step.expectedSeconds).toBeGreaterThan(0);
    expect(step.deadlineSeconds).toBeGreaterThan(10 * step.expectedSeconds);
    expect(step.title).not.toBe('');
    seen.add(step.id);
  }
}

describe('the plan of up', () => {
  test('is a graph without cycles whose every need exists', () => {
    fc.assert(fc.property(planned, ({ lab, care }) => checkGraph(planUp(lab, care))));
  });

  test('has the proof last, after everything else', () => {
    fc.assert(
      fc.property(planned, ({ lab, care }) => {
        const steps = planUp(lab, care);
        expect(steps.at(-1)?.work.kind).toBe('proof');
        const all = ancestors(steps, 'proof');
        // An image that no pod of the lab needs is not there at all.
        expect(steps.slice(0, -1).filter(({ id }) => !all.has(id))).toEqual([]);
      }),
    );
  });

  test('makes sure of every host, pod and member, each after what it stands on', () => {
    fc.assert(
      fc.property(planned, ({ lab, care }) => {
        const steps = planUp(lab, care);
        for (const { name } of lab.hosts) {
          const docker = ancestors(steps, `docker:${name}`);
          for (const need of [`agent:${name}`, 'network', `place:${name}`, `boot:${name}`, 'underlay'])
            expect(docker).toContain(need);
          for (const member of lab.etcd.members) expect(docker).toContain(`etcd:${member}`);
        }
        for (const pod of lab.pods) {
          expect(ancestors(steps, `pod:${pod.name}`)).toContain(`docker:${pod.host}`);
          expect(ancestors(steps, `pod:${pod.name}`)).toContain(`image:${pod.host}:${pod.image}`);
        }
      }),
    );
  });

  test('lets members leave before others join, and those one at a time', () => {
    fc.assert(
      fc.property(planned, ({ lab, care }) => {
        const steps = planUp(lab, care);
        const founding = lab.etcd.members.filter((name) => !care.etcdJoining.includes(name));
        const leave = steps.some(({ id }) => id === 'etcd-leave') ? ['etcd-leave'] : [];
        expect(leave.length).toBe(care.etcdLeaving.length > 0 ? 1 : 0);
        for (const id of leave)
          for (const name of founding) expect(ancestors(steps, id)).toContain(`etcd:${name}`);
        care.etcdJoining.forEach((name, index) => {
          const all = ancestors(steps, `etcd:${name}`);
          for (const id of leave) expect(all).toContain(id);
          for (const earlier of [...founding, ...care.etcdJoining.slice(0, index)])
            expect(all).toContain(`etcd:${earlier}`);
          expect(steps.find(({ id }) => id === `etcd:${name}`)?.work).toMatchObject({ joins: true });
        });
      }),
    );
  });

  test('removes a member’s host only when it has left', () => {
    fc.assert(
      fc.property(planned, ({ lab, care }) => {
        const steps = planUp(lab, care);
        for (const host of care.hostsRemoved) {
          if (care.etcdLeaving.includes(host))
            expect(ancestors(steps, `remove-host:${host}`)).toContain('etcd-leave');
        }
      }),
    );
  });

  test('removes the old pods of a host before it starts the new ones', () => {
    fc.assert(
      fc.property(planned, ({ lab, care }) => {
        const steps = planUp(lab, care);
        for (const gone of care.podsRemoved) {
          for (const pod of lab.pods.filter(({ host }) => host === gone.host))
            expect(ancestors(steps, `pod:${pod.name}`)).toContain(`remove-pods:${gone.host}`);
        }
      }),
    );
  });

  test('boots hosts side by side', () => {
    fc.assert(
      fc.property(arbitraryLab, (lab) => {
        const steps = planUp(lab, noUpkeep);
        for (const { name } of lab.hosts)
          expect([...ancestors(steps, `place:${name}`)].filter((id) => id.startsWith('boot:'))).toEqual([
            `boot:${name}`,
          ]);
      }),
    );
  });
});

describe('the plan of down', () => {
  const lab = '0123abcd';

  test('removes hosts side by side, then the underlay, then the lab', () => {
    const steps = planDown([
      { kind: 'sandbox-underlay', lab },
      { kind: 'sandbox-host', lab, host: 'h1' },
      { kind: 'sandbox-host', lab, host: 'h2' },
    ]);
    checkGraph(steps);
    expect(steps.map(({ id, needs }) => [id, needs])).toEqual([
      ['remove-host:h1', []],
      ['remove-host:h2', []],
      ['lower-underlay', ['remove-host:h1', 'remove-host:h2']],
      ['forget', ['lower-underlay']],
    ]);
  });

  test('of a lab that never began forgets it', () => {
    expect(planDown([]).map(({ id, needs }) => [id, needs])).toEqual([['forget', []]]);
    expect(planDown([{ kind: 'sandbox-host', lab, host: 'h1' }]).at(-1)?.needs).toEqual(['remove-host:h1']);
  });
});

describe('expected seconds', () => {
  const step = (id: string, needs: string[], seconds: number) => ({
    id,
    title: id,
    host: null,
    needs,
    expectedSeconds: seconds,
    deadlineSeconds: 60,
  });

  test('are the longest chain while there are processors', () => {
    const steps = [step('a', [], 1), step('b', ['a'], 2), step('c', ['a'], 5), step('d', ['b', 'c'], 1)];
    expect(expectedSeconds(steps, 100)).toBe(7);
    expect(expectedSeconds([], 4)).toBe(0);
  });

  test('are never less than the chain, and with one processor not less than the work', () => {
    fc.assert(
      fc.property(arbitraryLab, fc.integer({ min: 1, max: 64 }), (lab, processors) => {
        const steps = planUp(lab, noUpkeep);
        const seconds = expectedSeconds(steps, processors);
        const total = steps.reduce((sum, { expectedSeconds: own }) => sum + own, 0);
        expect(seconds).toBeGreaterThanOrEqual(expectedSeconds(steps, 1000));
        expect(seconds).toBeLessThanOrEqual(total + 1e-9);
        expect(seconds).toBeGreaterThanOrEqual((0.65 * total) / processors - 1e-9);
      }),
    );
  });
});
