import { describe, expect, it } from 'vitest';
import { type EarlierFlash, predictDuration } from './predicted-duration.js';

const JOB = { mac: 'own', imageSha256: 'a', contentSizeBytes: 1000 };
const flash = (fields: Partial<EarlierFlash>): EarlierFlash => ({
  mac: 'own',
  imageSha256: 'a',
  contentSizeBytes: 1000,
  durationMs: 10,
  ...fields,
});

describe('predictDuration', () => {
  it('takes the median of this image on this machine before everything else', () => {
    const earlier = [10, 90, 20].map((durationMs) => flash({ durationMs }));
    const others = [flash({ imageSha256: 'b', durationMs: 500 }), flash({ mac: 'other', durationMs: 700 })];
    expect(predictDuration(JOB, [...others, ...earlier])).toEqual({
      predictedMs: 20,
      predictedFrom: 'machine-and-image',
    });
  });

  it('takes the mean of the middle two', () => {
    const earlier = [10, 20, 30, 90].map((durationMs) => flash({ durationMs }));
    expect(predictDuration(JOB, earlier)?.predictedMs).toBe(25);
  });

  it('scales other images of this machine by their length', () => {
    const earlier = [flash({ imageSha256: 'b', contentSizeBytes: 500, durationMs: 40 })];
    expect(predictDuration(JOB, earlier)).toEqual({ predictedMs: 80, predictedFrom: 'machine' });
  });

  it('falls back to this image on other machines', () => {
    const earlier = [flash({ mac: 'x', durationMs: 7 }), flash({ mac: 'x', imageSha256: 'b', durationMs: 99 })];
    expect(predictDuration(JOB, earlier)).toEqual({ predictedMs: 7, predictedFrom: 'image' });
  });

  it('says nothing without anything to go by', () => {
    expect(predictDuration(JOB, [])).toBeUndefined();
    expect(predictDuration({ ...JOB, imageSha256: null }, [flash({ mac: 'x', imageSha256: null })])).toBeUndefined();
  });
});
