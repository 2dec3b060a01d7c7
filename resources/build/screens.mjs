// Builds the screens into out/renderer/: `node resources/build/screens.mjs`. Takes some seconds.

import { buildParts } from './parts.mjs';

await buildParts(['renderer'], '.screens', ['renderer', 'resources/icons']);
