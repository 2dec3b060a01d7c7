import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { buildDriver, type Lab, makeLab } from './lab.ts';

/**
 * Gives each test of a file a lab of its own with so many hosts. What it returns gives the lab of the test that runs, and
 * a directory that the file's tests share.
 */
export function labForEachTest(hosts: number): () => Lab & { readonly directory: string } {
  let bundle: Awaited<ReturnType<typeof buildDriver>>;
  let lab: Lab;
  beforeAll(async () => {
    bundle = await buildDriver();
  });
  afterAll(() => bundle.remove());
  beforeEach(() => {
    lab = makeLab(hosts, bundle.file);
  });
  afterEach(() => lab.remove());
  return () => ({ ...lab, directory: bundle.directory });
}
