import type { MigrationInterface, QueryRunner } from 'typeorm';

export class FirstTables1795379789221 implements MigrationInterface {
  name = 'FirstTables1795379789221';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            CREATE TABLE "events" (
                "id" bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
                "at" TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
                "subject" text NOT NULL,
                "action" text NOT NULL,
                "actor" text NOT NULL,
                "ip" text,
                "before" jsonb,
                "after" jsonb,
                CONSTRAINT "PK_40731c7151fe4be3116e45ddf73" PRIMARY KEY ("id")
            )
        `);
    await queryRunner.query(`
            CREATE INDEX "IDX_a1deaefa376bb0157adef48745" ON "events" ("subject", "id")
        `);
    await queryRunner.query(`
            CREATE TABLE "api_tokens" (
                "id" uuid NOT NULL DEFAULT gen_random_uuid(),
                "name" text NOT NULL,
                "hash" bytea NOT NULL,
                "created_at" TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
                "revoked_at" TIMESTAMP WITH TIME ZONE,
                CONSTRAINT "PK_c587455266b5fa8dace7194caac" PRIMARY KEY ("id")
            )
        `);
    await queryRunner.query(`
            CREATE UNIQUE INDEX "IDX_1bf385c40e1d7ff26da4401c7f" ON "api_tokens" ("hash")
        `);
    await queryRunner.query(`
            CREATE TABLE "agent_sessions" (
                "id" uuid NOT NULL,
                "mac" text NOT NULL,
                "hash" bytea NOT NULL,
                "opened_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "ends_at" TIMESTAMP WITH TIME ZONE,
                CONSTRAINT "PK_56f9e856ca24a6064c903044605" PRIMARY KEY ("id")
            )
        `);
    await queryRunner.query(`
            CREATE INDEX "IDX_4df477ff39ac0dc82a5de71754" ON "agent_sessions" ("mac")
        `);
    await queryRunner.query(`
            CREATE UNIQUE INDEX "IDX_5b0f9d39714aefc38cc81517c0" ON "agent_sessions" ("hash")
        `);
    await queryRunner.query(`
            CREATE TABLE "boot_tokens" (
                "hash" bytea NOT NULL,
                "mac" text NOT NULL,
                "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "expires_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "used_at" TIMESTAMP WITH TIME ZONE,
                "nonce_hash" bytea,
                "session_id" uuid,
                CONSTRAINT "PK_9e2583c393e20c4376ef26716f6" PRIMARY KEY ("hash")
            )
        `);
    await queryRunner.query(`
            CREATE INDEX "IDX_b410e5e56b9bae2879b38a80b4" ON "boot_tokens" ("mac")
        `);
    await queryRunner.query(`
            CREATE TABLE "images" (
                "name" text COLLATE "C" NOT NULL,
                "format" text NOT NULL,
                "state" text NOT NULL,
                "error" jsonb,
                "fingerprint" text NOT NULL,
                "size_bytes" bigint NOT NULL,
                "content_size_bytes" bigint,
                "sha256" text,
                "content_sha256" text,
                "content_blake3" text,
                "sector_bytes" integer,
                "created_at" TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
                "updated_at" TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
                CONSTRAINT "PK_d46ee7424fcbbc896a457784f1e" PRIMARY KEY ("name")
            )
        `);
    await queryRunner.query(`
            CREATE TABLE "flash_jobs" (
                "id" uuid NOT NULL,
                "mac" text NOT NULL,
                "state" text NOT NULL,
                "version" integer NOT NULL,
                "epoch" integer NOT NULL,
                "stage" text,
                "image_name" text NOT NULL,
                "image_format" text,
                "image_sha256" text,
                "image_size_bytes" bigint,
                "content_size_bytes" bigint,
                "content_blake3" text,
                "verify" text NOT NULL,
                "target_hint" jsonb,
                "provisioning_mode" text NOT NULL,
                "requested_by" text NOT NULL,
                "idempotency_key" text,
                "request_hash" text,
                "session_id" uuid,
                "commit_granted_at" TIMESTAMP WITH TIME ZONE,
                "progress" jsonb,
                "last_progress_at" TIMESTAMP WITH TIME ZONE,
                "history" jsonb NOT NULL,
                "error" jsonb,
                "result" jsonb,
                "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "dispatched_at" TIMESTAMP WITH TIME ZONE,
                "finished_at" TIMESTAMP WITH TIME ZONE,
                CONSTRAINT "PK_502cb45f60d4fc08e6cb1c118e5" PRIMARY KEY ("id")
            )
        `);
    await queryRunner.query(`
            CREATE INDEX "IDX_5778b95c48c845ae1d7c2001d1" ON "flash_jobs" ("mac")
        `);
    await queryRunner.query(`
            CREATE UNIQUE INDEX "flash_jobs_idempotency_key" ON "flash_jobs" ("idempotency_key")
        `);
    await queryRunner.query(`
            CREATE INDEX "flash_jobs_by_age" ON "flash_jobs" ("created_at", "id")
        `);
    await queryRunner.query(`
            CREATE UNIQUE INDEX "flash_jobs_one_active" ON "flash_jobs" ("mac")
            WHERE state IN ('queued', 'dispatched', 'running')
        `);
    await queryRunner.query(`
            CREATE TABLE "flash_reports" (
                "job_id" uuid NOT NULL,
                "epoch" integer NOT NULL,
                "seq" bigint NOT NULL,
                CONSTRAINT "PK_c89051d561405175acbbd0fe0c0" PRIMARY KEY ("job_id", "epoch", "seq")
            )
        `);
    await queryRunner.query(`
            CREATE TABLE "machines" (
                "mac" text COLLATE "C" NOT NULL,
                "boot_policy" text NOT NULL,
                "provisioning_mode" text NOT NULL,
                "image" text,
                "hostname" text,
                "cijoe_workflow_ref" text,
                "target_hint" jsonb,
                "ssh_host" text,
                "tags" text array NOT NULL,
                "created_at" TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
                "updated_at" TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
                "discovered_at" TIMESTAMP WITH TIME ZONE,
                "last_seen_at" TIMESTAMP WITH TIME ZONE,
                "last_seen_ip" text,
                "last_flashed_at" TIMESTAMP WITH TIME ZONE,
                "inventory" jsonb,
                "inventory_at" TIMESTAMP WITH TIME ZONE,
                "first_boot_until" TIMESTAMP WITH TIME ZONE,
                CONSTRAINT "PK_ff0c81d9e1f15a1f1fb220d8295" PRIMARY KEY ("mac")
            )
        `);
    await queryRunner.query(`
            CREATE TABLE "flash_logs" (
                "job_id" uuid NOT NULL,
                "epoch" integer NOT NULL,
                "part" integer NOT NULL,
                "text" text NOT NULL,
                CONSTRAINT "PK_3a0939d5350730fbf7f1a993333" PRIMARY KEY ("job_id", "epoch", "part")
            )
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            DROP TABLE "flash_logs"
        `);
    await queryRunner.query(`
            DROP TABLE "machines"
        `);
    await queryRunner.query(`
            DROP TABLE "flash_reports"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."flash_jobs_one_active"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."flash_jobs_by_age"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."flash_jobs_idempotency_key"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."IDX_5778b95c48c845ae1d7c2001d1"
        `);
    await queryRunner.query(`
            DROP TABLE "flash_jobs"
        `);
    await queryRunner.query(`
            DROP TABLE "images"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."IDX_b410e5e56b9bae2879b38a80b4"
        `);
    await queryRunner.query(`
            DROP TABLE "boot_tokens"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."IDX_5b0f9d39714aefc38cc81517c0"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."IDX_4df477ff39ac0dc82a5de71754"
        `);
    await queryRunner.query(`
            DROP TABLE "agent_sessions"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."IDX_1bf385c40e1d7ff26da4401c7f"
        `);
    await queryRunner.query(`
            DROP TABLE "api_tokens"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."IDX_a1deaefa376bb0157adef48745"
        `);
    await queryRunner.query(`
            DROP TABLE "events"
        `);
  }
}
