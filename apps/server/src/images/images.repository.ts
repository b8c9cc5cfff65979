import type { ErrorCode, ImageFormat } from '@bty/wire-types';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type EntityManager, MoreThan } from 'typeorm';
import { EventsRepository } from '../events/index.js';
import type { Actor } from '../http/index.js';
import { ImageEntity } from './image.entity.js';
import type { ImageDigest } from './image-digest.js';

/** A file of the image root as a scan found it. */
export interface FoundFile {
  readonly name: string;
  readonly format: ImageFormat;
  readonly fingerprint: string;
  readonly sizeBytes: number;
  /** Why it cannot be flashed, whatever its bytes are. */
  readonly refusal?: { state: 'failed' | 'unsupported'; code: ErrorCode; message: string } | undefined;
}

function known(digest: ImageDigest) {
  return {
    state: 'ready',
    error: null,
    sizeBytes: digest.sizeBytes,
    contentSizeBytes: digest.sizeBytes,
    sha256: digest.sha256,
    contentSha256: digest.sha256,
    contentBlake3: digest.blake3,
    sectorBytes: digest.sectorBytes ?? null,
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

  /** Sorted by name (by bytes), at most `limit`, after the name `after`. */
  async page(after: string | undefined, limit: number): Promise<ImageEntity[]> {
    const where = after === undefined ? {} : { name: MoreThan(after) };
    return this.source.getRepository(ImageEntity).find({ where, order: { name: 'ASC' }, take: limit });
  }

  async all(): Promise<ImageEntity[]> {
    return this.source.getRepository(ImageEntity).find();
  }

  /** Names of the images whose digests are still to be derived. */
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
      contentSizeBytes: null,
      sha256: null,
      contentSha256: null,
      contentBlake3: null,
      sectorBytes: null,
    } as const;
    await this.source.transaction(async (manager) => {
      const old = await manager.findOneBy(ImageEntity, { name: file.name });
      if (old?.fingerprint === file.fingerprint) return;
      await manager.upsert(ImageEntity, row, ['name']);
      await this.note(manager, old === null ? 'image.found' : 'image.changed', actor, old, file.name);
    });
  }

  /** Stores what was derived from a file, unless the name has another file by now. */
  async prepared(name: string, fingerprint: string, digest: ImageDigest, actor: Actor): Promise<void> {
    await this.source.transaction(async (manager) => {
      const where = { name, fingerprint, state: 'preparing' } as const;
      const { affected } = await manager.update(ImageEntity, where, known(digest));
      if (affected === 1) await this.note(manager, 'image.prepared', actor, null, name);
    });
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
  async publish(
    file: { name: string; format: ImageFormat },
    digest: ImageDigest,
    actor: Actor,
    place: () => Promise<string>,
  ): Promise<boolean> {
    return this.source.transaction(async (manager) => {
      const where = { name: file.name };
      const old = await manager.findOne(ImageEntity, { where, lock: { mode: 'pessimistic_write' } });
      const fingerprint = await place();
      await manager.upsert(ImageEntity, { ...file, fingerprint, ...known(digest) }, ['name']);
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
