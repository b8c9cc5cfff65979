import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { imageFormatOf, imageNameProblem } from './image-name.js';

describe('imageFormatOf', () => {
  it.each([
    ['a.img', 'img'],
    ['A.IMG', 'img'],
    ['a.img.zst', 'img.zst'],
    ['a.Qcow2', 'qcow2'],
    ['a.zst', undefined],
    ['.img', undefined],
    ['img', undefined],
    ['a.img.gz', undefined],
  ])('takes %s for %s', (name, format) => {
    expect(imageFormatOf(name)).toBe(format);
  });
});

describe('imageNameProblem', () => {
  it.each(['debian-13.img', 'a+b~1@x_y.img.zst', `${'a'.repeat(251)}.img`])('takes %s', (name) => {
    expect(imageNameProblem(name)).toBeUndefined();
  });

  it.each([
    '',
    '.hidden.img',
    '-rf.img',
    '../a.img',
    'a/b.img',
    'a b.img',
    'a\n.img',
    'ä.img',
    'a.iso',
    `${'a'.repeat(252)}.img`,
  ])('refuses %j', (name) => {
    expect(imageNameProblem(name)).toEqual(expect.any(String));
  });

  it('never lets a character through that a path, a URL, a script or a shell would interpret', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const name = `${text}.img`;
        if (imageNameProblem(name) === undefined) expect(encodeURI(name)).toBe(name);
        if (/[\s$`'"\\/%?#;&|<>()*!{}]/.test(text)) expect(imageNameProblem(name)).toBeDefined();
      }),
    );
  });
});
