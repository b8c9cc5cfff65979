import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

interface Operation {
  readonly summary?: string;
  readonly description?: string;
  readonly 'x-bty-role'?: string;
  readonly security?: Record<string, unknown>[];
  readonly parameters?: { name: string; in: string; description?: string }[];
  readonly requestBody?: {
    content: Record<string, { schema: { $ref?: string }; example?: unknown; examples?: unknown }>;
  };
  readonly responses: Record<string, { description?: string; content?: Record<string, unknown> }>;
}

interface Schema {
  readonly description?: string;
  readonly example?: unknown;
  readonly enum?: unknown[];
  readonly properties?: Record<string, { description?: string }>;
}

const document = JSON.parse(readFileSync('docs/openapi.json', 'utf8')) as {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
};
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const),
);

describe.each(operations)('docs/openapi.json on %s', (route, operation) => {
  it('says what it does, who may use it, and what its parameters and answers mean', () => {
    expect(operation.summary).toMatch(/\.$/);
    expect(operation.description).toMatch(/Needs the role|Open to anyone|session of an agent/);
    for (const { name, description } of operation.parameters ?? []) {
      expect([name, description]).toEqual([name, expect.stringMatching(/\w/)]);
    }
    for (const [status, { description }] of Object.entries(operation.responses)) {
      expect([status, description]).toEqual([status, expect.stringMatching(/\w/)]);
    }
  });

  it('gives every error as a problem, and a credential where one is needed', () => {
    for (const [status, { content }] of Object.entries(operation.responses)) {
      // readiness says itself why it is not ready
      if (Number(status) < 400 || Object.keys(content ?? {}).includes('application/json')) continue;
      expect([status, Object.keys(content ?? {})]).toEqual([status, ['application/problem+json']]);
    }
    const needed = operation['x-bty-role'] !== undefined;
    expect([needed, operation.security !== undefined]).toEqual([needed, needed]);
    if (needed) expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(['401', '429']));
  });

  it('says what can go wrong: who may not, what is not there, what cannot be taken', () => {
    const statuses = Object.keys(operation.responses);
    const role = operation['x-bty-role'];
    if (role !== undefined && role !== 'agent') expect(statuses).toContain('403');
    const inPath = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path').map(({ name }) => name);
    const makes = /^PUT|pxe\/\{mac\}$/.test(route);
    if (inPath.length > 0 && !makes) expect(statuses).toContain('404');
    if (inPath.includes('mac')) expect(statuses).toContain('400');
    const json = Object.keys(operation.requestBody?.content ?? {}).some((type) => type.endsWith('json'));
    if (json) expect(statuses).toContain('422');
  });

  it('has an example of the JSON that it takes', () => {
    for (const [type, { schema, example, examples }] of Object.entries(operation.requestBody?.content ?? {})) {
      if (!type.endsWith('json')) continue;
      const named = document.components.schemas[schema.$ref?.split('/').at(-1) ?? ''];
      expect([type, example ?? examples ?? named?.example]).toEqual([type, expect.anything()]);
    }
  });
});

describe.each(Object.entries(document.components.schemas))('docs/openapi.json on %s', (_name, schema) => {
  it('says what each field means, and each value of an enumeration', () => {
    if (schema.enum !== undefined) expect(schema.description).toMatch(/\w/);
    const silent = Object.entries(schema.properties ?? {}).filter(
      ([, { description }]) => !/\w/.test(description ?? ''),
    );
    expect(silent.map(([field]) => field)).toEqual([]);
  });
});
