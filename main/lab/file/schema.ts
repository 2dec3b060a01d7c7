import { z } from 'zod';
import { labFile } from '../../../contract/lab.ts';

/** The JSON Schema (draft 2020-12) of a lab file as its author writes it: editors complete and check by it. */
export function labFileJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(labFile, { io: 'input' });
  return {
    $schema,
    $id: 'lab.schema.json',
    title: 'Flatland lab file',
    description: 'Hosts, one flat container network over them, and the pods that use it.',
    ...schema,
  };
}

/** The schema as the text that is checked in. */
export const labFileJsonSchemaText = (): string => `${JSON.stringify(labFileJsonSchema(), null, 2)}\n`;
