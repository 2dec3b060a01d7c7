import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { backendType } from '../../contract/lab.ts';
import { openWebDoor } from '../../main/door/web/serve.ts';
import { createScreens } from '../../main/rpc/create-screens.ts';
import { createSyntheticRouter } from './synthetic-router.ts';

// The screens over made-up labs, for their development and for measuring them:
// `node out/synthetic-ui.js --hosts 3 --pods 10 --port 7200 --others`
const { values } = parseArgs({
  options: {
    hosts: { type: 'string', default: '3' },
    pods: { type: 'string', default: '10' },
    port: { type: 'string', default: '7200' },
    rate: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    history: { type: 'string', default: '120' },
    speed: { type: 'string', default: '1' },
    backend: { type: 'string', default: 'vxlan' },
    /** The last host is lost, the one before it drops large packets. */
    troubled: { type: 'boolean', default: false },
    /** No lab at all. */
    empty: { type: 'boolean', default: false },
    /** Two more labs: one in trouble, one half-built. */
    others: { type: 'boolean', default: false },
    /** A token that stays good; without it each link lets one browser in. */
    token: { type: 'string' },
    /** Where the built screens are. */
    files: { type: 'string', default: fileURLToPath(new URL('renderer', import.meta.url)) },
  },
});

const screens = createScreens({
  router: createSyntheticRouter({
    hosts: Number(values.hosts),
    podsPerHost: Number(values.pods),
    eventsPerSecondPerHost: Number(values.rate),
    seed: Number(values.seed),
    history: Number(values.history),
    speed: Number(values.speed),
    backend: backendType.parse(values.backend),
    others: values.others,
    state: values.empty ? 'none' : values.troubled ? 'troubled' : 'well',
  }),
  version: 'synthetic',
  onFailure: (thrown) => console.error(thrown),
  readLog: async () => ['a line of the log', 'another one'],
});
const door = await openWebDoor({
  screens,
  files: values.files,
  port: Number(values.port),
  exactPort: true,
  onFailure: (thrown) => console.error(thrown),
  // A page stays open over new starts of this program.
  ...(values.token === undefined ? {} : { token: values.token, key: Buffer.from(values.token) }),
});
console.log(door.link());

const stop = async () => {
  await door.close();
  await screens.close();
  process.exit();
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop());
