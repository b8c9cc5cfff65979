import type { OpenAPIObject } from '@nestjs/swagger';
import { BODY_EXAMPLES, ENUM_MEANINGS, FIELD_MEANINGS } from './document-words.js';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;

/** What stands in paths. */
const PATH_PARAMETERS: Readonly<Record<string, { description: string; example?: string | number }>> = {
  mac: {
    description: 'MAC address in any case, separated by colons, hyphens, dots or nothing',
    example: '52:54:00:00:00:01',
  },
  name: { description: 'Name, as the list shows it' },
  digest: { description: 'Digest of the content, hexadecimal' },
  username: { description: 'Name of the user', example: 'anna' },
  version: { description: 'Number of the baseline, from 1', example: 1 },
  path: { description: 'Path of a file in the report', example: 'report.html' },
  id: { description: 'Id, as the list shows it' },
};

const MEANINGS: Readonly<Record<string, string>> = {
  200: 'What the summary says.',
  201: 'It is made.',
  204: 'Done.',
};

const METHODS = ['get', 'put', 'post', 'patch', 'delete', 'head'] as const;

function needsRole(role: unknown): string {
  if (role === undefined) return 'Open to anyone.';
  if (role === 'agent') return 'For the session of an agent.';
  return `Needs the role \`${String(role)}\`${role === 'admin' ? '' : ' or a higher one'}.`;
}

function complete(operation: Operation & { 'x-bty-role'?: unknown }): void {
  const text = [operation.description, needsRole(operation['x-bty-role'])].filter(
    (part) => part !== undefined && part !== '',
  );
  operation.description = text.join('\n\n');
  for (const parameter of operation.parameters ?? []) {
    if (!('in' in parameter) || parameter.in !== 'path') continue;
    const { description, example } = PATH_PARAMETERS[parameter.name] ?? {};
    parameter.description ??= description ?? '';
    if (parameter.example === undefined && example !== undefined) parameter.example = example;
  }
  for (const [status, response] of Object.entries(operation.responses)) {
    if (typeof response !== 'object' || response === null || !('description' in response)) continue;
    // Two decorators that name the same status both say what it means.
    const told = [...new Set(response.description.split('\n\n'))].join('\n\n');
    response.description = told || (MEANINGS[status] ?? '');
  }
}

type Schema = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>[string];

/** Says what the fields of a schema mean that do not say so themselves, and gives an example of a whole one. */
function describeSchema(name: string, schema: Schema): void {
  if ('$ref' in schema) return;
  const [meaning, example] = [ENUM_MEANINGS[name], BODY_EXAMPLES[name]];
  if (meaning !== undefined) schema.description ??= meaning;
  if (example !== undefined) schema.example = example;
  const fields = schema.properties ?? {};
  for (const [field, about] of Object.entries(fields)) {
    const description = FIELD_MEANINGS[`${name}.${field}`] ?? FIELD_MEANINGS[field];
    if (description === undefined) continue;
    // A reference has no place for words of its own.
    if ('$ref' in about) fields[field] = { allOf: [about], description };
    else about.description ??= description;
  }
}

/** Says in a document what the decorators of the routes leave open: roles, what paths hold, what a success means. */
export function completeDocument(document: OpenAPIObject): OpenAPIObject {
  for (const item of Object.values(document.paths)) {
    for (const method of METHODS) {
      const operation = item[method];
      if (operation !== undefined) complete(operation);
    }
  }
  for (const [name, schema] of Object.entries(document.components?.schemas ?? {})) describeSchema(name, schema);
  return document;
}
