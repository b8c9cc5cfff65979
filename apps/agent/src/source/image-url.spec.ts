import { describe, expect, it } from 'vitest';
import { linkTarget } from './image-url.js';

describe('the target of a link', () => {
  it.each([
    ['</maps/a>; rel="describedby"', '/maps/a'],
    ['</maps/a>; type=x; rel=describedby', '/maps/a'],
    ['</next>; rel="next", </maps/a>; rel="other DescribedBy"', '/maps/a'],
    ['</maps/a>; rel="described"', undefined],
    ['</maps/a>', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('of %j is %j', (header, target) => {
    expect(linkTarget(header, 'describedby')).toBe(target);
  });
});
