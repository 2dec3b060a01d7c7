import { labFileJsonSchemaText } from './schema.ts';

// The entry of `npm run schema`, which writes resources/labs/lab.schema.json.
process.stdout.write(labFileJsonSchemaText());
