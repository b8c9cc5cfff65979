import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

interface Operation {
  readonly summary?: string;
  readonly description?: string;
  readonly 'x-bty-role'?: string;
  readonly security?: Record<string, unknown>[];
  readonly parameters?: { name: string; in: string; description?: string }[];
  readonly responses: Record<string, { description?: string; content?: Record<string, unknown> }>;
}

const document = JSON.parse(readFileSync('docs/openapi.json', 'utf8')) as {
  paths: Record<string, Record<string, Operation>>;
};
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const),
);

describe.each(operations)('docs/openapi.json on %s', (_route, operation) => {
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
});
