import type { ErrorCode, ImageFormat } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntityManager, In } from 'typeorm';
import { orderByKeyset, plainRows } from '../db/index.js';
import { EventsRepository } from '../events/index.js';
import type { Actor, PageStart, Sort } from '../http/index.js';
import { ImageEntity, type PreparingProgress } from './image.entity.js';
import { IMAGE_SORT_COLUMNS, type ImageSortField } from './image-sort.js';
import type { PreparedImage } from './prepare/prepare-messages.js';

/** Which images to list. */
export interface ImageFilter {
  readonly state?: string | undefined;
  readonly format?: string | undefined;
}

/** In which order, and where a page begins. */
export interface ImageOrder extends Sort<ImageSortField> {
  readonly start?: PageStart | undefined;
}

/** A file of the image root as a scan found it. */
export interface FoundFile {
  readonly name: string;
  readonly format: ImageFormat;
  readonly fingerprint: string;
  readonly sizeBytes: number;
  /** Why it cannot be flashed, whatever its bytes are. */
  readonly refusal?: { state: 'failed' | 'unsupported'; code: ErrorCode; message: string } | undefined;
}

/** An uploaded file as its place in the root is taken. */
export interface UploadedFile {
  readonly name: string;
  readonly format: ImageFormat;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** Any constant will do; it has to be the same in every version of the server. */
const STORE_LOCK = 7_302_552;

/** Failures that say nothing about the image: it is worth another try when something has changed. */
const PASSING: readonly ErrorCode[] = ['STORAGE_FULL', 'IMAGE_UNAVAILABLE', 'INTERNAL'];

const NOT_DERIVED = {
  contentSizeBytes: null,
  contentSha256: null,
  sectorBytes: null,
  mapBlake3: null,
  mapSizeBytes: null,
  packBlake3: null,
  packSizeBytes: null,
  progress: null,
} as const;

function derived(prepared: PreparedImage) {
  return {
    state: 'ready',
    error: null,
    progress: null,
    sha256: prepared.sha256,
    contentSizeBytes: prepared.contentBytes,
    contentSha256: prepared.contentSha256,
    sectorBytes: prepared.sectorBytes ?? null,
    mapBlake3: prepared.map.digest,
    mapSizeBytes: prepared.map.sizeBytes,
    packBlake3: prepared.pack.digest,
    packSizeBytes: prepared.pack.sizeBytes,
  } as const;
}

function facts(image: ImageEntity): Record<string, unknown> {
  return { state: image.state, size_bytes: image.sizeBytes, sha256: image.sha256 };
}

/** The catalogue of images. */
@Injectable()
export class ImagesRepository {
  constructor(
    @InjectDataSource() private readonly source: DataSource,
    private readonly events: EventsRepository,
  ) {}

  async find(name: string): Promise<ImageEntity | undefined> {
    return (await this.source.getRepository(ImageEntity).findOneBy({ name })) ?? undefined;
  }

  /** As {@link find}, and keeps the image from being replaced for the rest of the transaction of `manager`. */
  async claimIn(manager: EntityManager, name: string): Promise<ImageEntity | undefined> {
    const lock = { mode: 'pessimistic_read' } as const;
    return (await manager.findOne(ImageEntity, { where: { name }, lock })) ?? undefined;
  }

  /** At most `limit`. */
  async page(filter: ImageFilter, order: ImageOrder, limit: number): Promise<ImageEntity[]> {
    const query = this.source.getRepository(ImageEntity).createQueryBuilder('image');
    for (const column of ['state', 'format'] as const) {
      if (filter[column] !== undefined) query.andWhere(`image.${column} = :${column}`, { [column]: filter[column] });
    }
    orderByKeyset(query, { ...order, column: IMAGE_SORT_COLUMNS[order.field], key: 'image.name' });
    return plainRows(query.limit(limit));
  }

  async all(): Promise<ImageEntity[]> {
    return this.source.getRepository(ImageEntity).find();
  }

  /** Names of the images whose pack and map are still to be derived. */
  async unprepared(): Promise<string[]> {
    const rows = await this.source.getRepository(ImageEntity).findBy({ state: 'preparing' });
    return rows.map(({ name }) => name);
  }

  /** Takes a file into the catalogue that is new, or is another than the one known by its name. */
  async discover(file: FoundFile, actor: Actor): Promise<void> {
    const { refusal } = file;
    const row = {
      name: file.name,
      format: file.format,
      state: refusal?.state ?? 'preparing',
      error: refusal === undefined ? null : { code: refusal.code, message: refusal.message },
      fingerprint: file.fingerprint,
      sizeBytes: file.sizeBytes,
      sha256: null,
      ...NOT_DERIVED,
    } as const;
    await this.source.transaction(async (manager) => {
      const old = await manager.findOneBy(ImageEntity, { name: file.name });
      if (old?.fingerprint === file.fingerprint) return;
      await manager.upsert(ImageEntity, row, ['name']);
      await this.note(manager, old === null ? 'image.found' : 'image.changed', actor, old, file.name);
    });
  }

  /** Digests of the maps and packs that images have. */
  async derivedFiles(): Promise<{ maps: string[]; packs: string[] }> {
    const rows = await this.source
      .getRepository(ImageEntity)
      .find({ select: { mapBlake3: true, packBlake3: true, name: true } });
    const given = (digests: (string | null)[]) => digests.filter((digest) => digest !== null);
    return { maps: given(rows.map((row) => row.mapBlake3)), packs: given(rows.map((row) => row.packBlake3)) };
  }

  /** Runs `work` while no replica places a map or a pack, or removes one. */
  async holdingStore<T>(work: () => Promise<T>): Promise<T> {
    return this.source.transaction(async (manager) => {
      await manager.query('SELECT pg_advisory_xact_lock($1)', [STORE_LOCK]);
      return work();
    });
  }

  /** Stores how far the preparation of a file is. False when the name has another file by now, or none. */
  async progressed(name: string, fingerprint: string, progress: PreparingProgress): Promise<boolean> {
    const where = { name, fingerprint, state: 'preparing' } as const;
    const { affected } = await this.source.getRepository(ImageEntity).update(where, { progress });
    return affected === 1;
  }

  /** Stores what was derived from a file after `place` has put it into the store, unless the name has another file by now. */
  async prepared(
    name: string,
    fingerprint: string,
    prepared: PreparedImage,
    actor: Actor,
    place: () => Promise<void>,
  ): Promise<void> {
    await this.source.transaction(async (manager) => {
      // The collector must not see the files before an image has them.
      await manager.query('SELECT pg_advisory_xact_lock($1)', [STORE_LOCK]);
      const where = { name, fingerprint, state: 'preparing' } as const;
      const { affected } = await manager.update(ImageEntity, where, derived(prepared));
      if (affected !== 1) return;
      await place();
      await this.note(manager, 'image.prepared', actor, null, name);
    });
  }

  /** Stores why nothing could be derived from a file, unless the name has another file by now. */
  async unpreparable(name: string, fingerprint: string, error: ImageEntity['error'], actor: Actor): Promise<void> {
    await this.source.transaction(async (manager) => {
      const where = { name, fingerprint, state: 'preparing' } as const;
      const { affected } = await manager.update(ImageEntity, where, { ...NOT_DERIVED, state: 'failed', error });
      if (affected === 1) await this.note(manager, 'image.failed', actor, null, name);
    });
  }

  /** Has images prepared again: all that failed for a passing reason, or those of the given names that are ready. */
  async prepareAgain(names: 'failed' | readonly string[]): Promise<void> {
    const images = this.source.getRepository(ImageEntity);
    const again = { ...NOT_DERIVED, state: 'preparing', error: null } as const;
    if (names !== 'failed') await images.update({ name: In(names), state: 'ready' }, again);
    else {
      const passing = { codes: PASSING };
      const where = `state = 'failed' AND error ->> 'code' IN (:...codes)`;
      await images.createQueryBuilder().update().set(again).where(where, passing).execute();
    }
  }

  /** Removes an image whose file is gone, or that is removed by hand after `unlink`. False when it was not there. */
  async remove(name: string, actor: Actor, unlink: () => Promise<void>): Promise<boolean> {
    return this.source.transaction(async (manager) => {
      const old = await manager.findOne(ImageEntity, { where: { name }, lock: { mode: 'pessimistic_write' } });
      if (old === null) return false;
      await unlink();
      await manager.delete(ImageEntity, { name });
      const change = { subject: `image/${name}`, action: 'image.removed', actor, before: facts(old) };
      await this.events.append(manager, change);
      return true;
    });
  }

  /**
   * Puts an uploaded file in its place: `place` moves it and returns its fingerprint, while the name is locked against
   * new flash jobs. Tells whether the name is new.
   */
  async publish(file: UploadedFile, actor: Actor, place: () => Promise<string>): Promise<boolean> {
    return this.source.transaction(async (manager) => {
      const where = { name: file.name };
      const old = await manager.findOne(ImageEntity, { where, lock: { mode: 'pessimistic_write' } });
      const fingerprint = await place();
      const row = { ...file, ...NOT_DERIVED, fingerprint, state: 'preparing', error: null } as const;
      await manager.upsert(ImageEntity, row, ['name']);
      await this.note(manager, old === null ? 'image.uploaded' : 'image.replaced', actor, old, file.name);
      return old === null;
    });
  }

  private async note(
    manager: EntityManager,
    action: string,
    actor: Actor,
    old: ImageEntity | null,
    name: string,
  ): Promise<void> {
    const image = await manager.findOneByOrFail(ImageEntity, { name });
    const before = old === null ? undefined : facts(old);
    await this.events.append(manager, { subject: `image/${name}`, action, actor, before, after: facts(image) });
  }
}
