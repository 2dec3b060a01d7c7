import * as koffi from 'koffi/indirect';

/*
 * Loaded by native.ts alone, and only when it is needed. It is a file of its own because the bundle keeps an `import()` of
 * koffi.node as it is, which Node.js refuses, while an `import` becomes a `require`.
 */
export { koffi };
