import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { AgentPresenceEntity } from '../agents/index.js';
import {
  AgentSessionEntity,
  ApiTokenEntity,
  BootTokenEntity,
  GuessCountEntity,
  UserEntity,
  UserSessionEntity,
} from '../auth/index.js';
import { BaselineEntity, DriftCheckEntity } from '../baselines/index.js';
import { EventEntity } from '../events/index.js';
import { FlashJobEntity, FlashLogEntity, FlashReportEntity, IdempotencyKeyEntity } from '../flash-jobs/index.js';
import { ImageEntity } from '../images/index.js';
import { MachineEntity, MachineNicEntity } from '../machines/index.js';
import { InstallationKeyEntity } from '../provisioning/index.js';
import { RunEntity } from '../runs/index.js';
import { WebhookCursorEntity, WebhookDeliveryEntity, WebhookEntity } from '../webhooks/index.js';
import { WorkflowVersionEntity } from '../workflows/index.js';
import { dataSourceOptions } from './data-source-options.js';
import { EmbeddedPostgres } from './embedded-postgres.js';

// For TypeORM's command line only: it compares the entities with what the migrations make of an empty, throw-away
// Postgres. That one ends with this process, and the command line ends by process.exit.
const stateDir = mkdtempSync(join(tmpdir(), 'bty-schema-'));
const extraArgs = ['-c', 'fsync=off'];
const postgres = await EmbeddedPostgres.start(stateDir, { extraArgs, warn: () => undefined });
process.on('exit', () => rmSync(stateDir, { recursive: true, force: true }));

const source = new DataSource({
  ...dataSourceOptions(postgres.target),
  entities: [
    AgentPresenceEntity,
    AgentSessionEntity,
    ApiTokenEntity,
    BaselineEntity,
    BootTokenEntity,
    DriftCheckEntity,
    EventEntity,
    FlashJobEntity,
    FlashLogEntity,
    FlashReportEntity,
    GuessCountEntity,
    IdempotencyKeyEntity,
    ImageEntity,
    InstallationKeyEntity,
    MachineEntity,
    MachineNicEntity,
    RunEntity,
    UserEntity,
    UserSessionEntity,
    WebhookCursorEntity,
    WebhookDeliveryEntity,
    WebhookEntity,
    WorkflowVersionEntity,
  ],
});
await source.initialize();
await source.runMigrations();
await source.destroy();

export default source;
