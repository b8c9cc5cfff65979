import { readFileSync } from 'node:fs';
import type { OpenAPIObject } from '@nestjs/swagger';
import { describe, expect, it } from 'vitest';
import { pageDocument } from './swagger-page.js';

const document = JSON.parse(readFileSync('docs/openapi.json', 'utf8')) as OpenAPIObject;
const { paths } = pageDocument(document);

describe('the document of the Swagger page', () => {
  it('has a sentence as the summary of each route, and the rest in its description', () => {
    expect(Object.keys(paths)).toEqual(Object.keys(document.paths));
    for (const item of Object.values(paths)) {
      for (const { summary } of Object.values(item) as { summary: string }[]) expect(summary).toMatch(/^[^`]+\.$/);
    }
    const { summary, description } = paths['/flash-jobs']?.post ?? {};
    expect(summary).toBe('Orders a flash: of one machine (mac), or of all that match a selector.');
    expect(description).toMatch(/^A machine does it at its next PXE contact.*\n\nNeeds the role/s);
  });

  it('fills in no filter that would hide what a list holds', () => {
    const tag = paths['/machines']?.get?.parameters?.find((one) => 'name' in one && one.name === 'tag');
    expect(tag).toMatchObject({ name: 'tag', schema: { type: 'array' } });
    expect(JSON.stringify(tag)).not.toContain('example');
  });

  it('sends a token to what may want one', () => {
    expect(paths['/images']?.get?.security).toEqual([{}, { bearer: [] }]);
    expect(paths['/healthz']?.get?.security).toBeUndefined();
  });

  it('leaves the document for programs as it is', () => {
    expect(document).toEqual(JSON.parse(readFileSync('docs/openapi.json', 'utf8')));
  });
});
