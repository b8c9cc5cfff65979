import type { OpenAPIObject } from '@nestjs/swagger';

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
    if (typeof response === 'object' && response !== null && 'description' in response)
      response.description ||= MEANINGS[status] ?? '';
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
  return document;
}
