import type { VerifyMode } from '@bty/wire-types';
import { openCrew } from './crew/open-crew.js';
import type { BlockTarget } from './engine/block-target.js';
import type { DiskCheck } from './engine/differences.js';
import { type EnginePorts, type EngineReport, type Provisioning, StageClock } from './engine/engine.js';
import type { OpenImage } from './source/open-image.js';
import { RangedSource } from './source/ranged-source.js';

const nobodyAsked = { mayWrite: async () => undefined };
/** For crews that fetch nothing. */
const noData = { authorization: () => undefined };

/** An open image, and the claimed disk that it goes to. */
export interface ImageFlash {
  image: OpenImage;
  target: BlockTarget;
  verify: VerifyMode;
  provisioning?: Provisioning | undefined;
}

type Ports = EnginePorts & ConstructorParameters<typeof StageClock>[0];

/** Makes a disk equal to an image that was opened by path or URL, without a server's job. Closes the image. */
export async function flashOpenImage(
  { image, target, verify, provisioning }: ImageFlash,
  ports: Ports,
  signal: AbortSignal,
): Promise<EngineReport> {
  const stages = new StageClock(ports);
  if (image.kind === 'packed') {
    const { fetched, pack, authorization } = image;
    const { flashPacked } = await import('./engine/flash-packed.js');
    const order = {
      target,
      table: fetched.map,
      frames: new RangedSource(pack, { authorization, onRetry: ports.log }),
      verify,
      stages,
      provisioning,
      openCrew: (crew: Pick<Parameters<typeof openCrew>[3], 'mayWrite' | 'onRetry'>) =>
        openCrew(target, { kind: 'map', ...fetched }, pack, { ...nobodyAsked, authorization, ...crew }),
    };
    const report = await flashPacked(order, ports, signal);
    return { ...report, fetchedBytes: report.fetchedBytes + fetched.bytes.length };
  }
  try {
    const { flashContent } = await import('./engine/flash-content.js');
    const content = await image.content(target.sizeBytes, signal);
    const order = {
      target,
      content,
      verify,
      stages,
      provisioning,
      openCrew: (table: Extract<Parameters<typeof openCrew>[1], { kind: 'digests' }>['table']) =>
        openCrew(target, { kind: 'digests', table }, undefined, { ...nobodyAsked, ...noData, onRetry: ports.log }),
    };
    const report = await flashContent(order, ports, signal);
    return { ...report, fetchedBytes: image.fetchedBytes() };
  } finally {
    await image.close();
  }
}

/** Compares a disk, open for reading, with an image, and writes nothing. Closes the image. */
export async function checkOpenImage(
  image: OpenImage,
  target: BlockTarget,
  ports: Pick<EnginePorts, 'onProgress' | 'log'>,
  signal: AbortSignal,
): Promise<DiskCheck> {
  if (image.kind === 'packed') {
    const { fetched, pack, authorization } = image;
    const frames = new RangedSource(pack, { authorization, onRetry: ports.log });
    const { checkPacked } = await import('./engine/check-packed.js');
    const openLookers = () =>
      openCrew(target, { kind: 'map', ...fetched }, undefined, { ...nobodyAsked, ...noData, onRetry: ports.log });
    return checkPacked({ access: target, table: fetched.map, frames, openCrew: openLookers }, ports, signal);
  }
  try {
    const { checkContent } = await import('./engine/check-content.js');
    return await checkContent(target, await image.content(target.sizeBytes, signal), ports, signal);
  } finally {
    await image.close();
  }
}
