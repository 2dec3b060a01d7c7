// Builds what Electron runs into out/desktop/: `node resources/build/desktop.mjs`. The screens are built by screens.mjs.

import { buildParts } from './parts.mjs';

await buildParts(['main', 'preload'], '.desktop', ['main']);
