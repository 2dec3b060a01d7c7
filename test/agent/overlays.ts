import { afterAll, afterEach, beforeAll } from 'vitest';
import { z } from 'zod';
import type { AgentStatus } from '../../contract/agent.ts';
import {
  buildPrograms,
  makeOverlay,
  type OverlayHost,
  type Programs,
  type TestOverlay,
} from '../support/overlay.ts';

/** An overlay whose first two hosts are at hand. */
export interface Pair {
  readonly made: TestOverlay;
  readonly one: OverlayHost;
  readonly two: OverlayHost;
}

export interface OverlayMaker {
  make(hosts: number, config: object | null): Promise<TestOverlay>;
  /** Two hosts whose agents run with these flags and know each other. */
  pair(config: object, args?: readonly string[]): Promise<Pair>;
}

/** The first hosts of an overlay; throws when it has none of that number. */
export function hostOf({ hosts }: TestOverlay, number: number): OverlayHost {
  const host = hosts[number - 1];
  if (host === undefined) throw new Error(`there is no host ${number}`);
  return host;
}

/** Gives the tests of a file their overlays; each is removed after the test, or after the file, that made it. */
export function overlaysFor(life: 'test' | 'file'): OverlayMaker {
  let programs: Programs | null = null;
  const overlays: TestOverlay[] = [];
  const closeAll = async () => {
    for (const overlay of overlays.splice(0)) await overlay.close();
  };
  beforeAll(async () => {
    programs = await buildPrograms();
  });
  if (life === 'test') afterEach(closeAll);
  afterAll(async () => {
    await closeAll();
    programs?.remove();
  });
  const make: OverlayMaker['make'] = async (hosts, config) => {
    if (programs === null) throw new Error('an overlay is made by a test or a hook of it');
    const made = await makeOverlay(programs, hosts, config);
    overlays.push(made);
    return made;
  };
  return {
    make,
    async pair(config, args = []) {
      const made = await make(2, config);
      const [one, two] = [hostOf(made, 1), hostOf(made, 2)];
      for (const host of [one, two]) host.start(args);
      for (const host of [one, two]) await made.ready(host);
      return { made, one, two };
    },
  };
}

/** Waits until an agent says that it waits for something of which these words are a part. */
export const waitsFor = (made: TestOverlay, host: OverlayHost, words: string): Promise<AgentStatus> =>
  made.until(`wait of host ${host.number} for ${words}`, async () => {
    const status = await host.status();
    return status?.waitingFor?.includes(words) === true ? status : null;
  });

const granted = z.object({ ID: z.string() });
/** Makes a lease of etcd that ends after so many seconds; gives its number. */
export const grantLease = (made: TestOverlay, seconds: number): string =>
  granted.parse(made.gateway('/v3/lease/grant', { TTL: seconds })).ID;
