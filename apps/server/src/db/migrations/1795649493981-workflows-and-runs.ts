import type { MigrationInterface, QueryRunner } from 'typeorm';

export class WorkflowsAndRuns1795649493981 implements MigrationInterface {
  name = 'WorkflowsAndRuns1795649493981';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            CREATE TABLE "baselines" (
                "mac" text NOT NULL,
                "version" integer NOT NULL,
                "current" boolean NOT NULL,
                "recorded_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "run_id" uuid NOT NULL,
                "flash_job_id" uuid,
                "image_name" text,
                "image_sha256" text,
                "workflow_name" text NOT NULL,
                "workflow_digest" text NOT NULL,
                "facts" jsonb NOT NULL,
                CONSTRAINT "PK_fa7fa66c44dde27607384f8130e" PRIMARY KEY ("mac", "version")
            )
        `);
    await queryRunner.query(`
            CREATE UNIQUE INDEX "baselines_one_current" ON "baselines" ("mac")
            WHERE current
        `);
    await queryRunner.query(`
            CREATE TABLE "drift_checks" (
                "mac" text NOT NULL,
                "baseline" integer NOT NULL,
                "checked_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "differences" jsonb NOT NULL,
                CONSTRAINT "PK_753b963759f27864f932f51bf26" PRIMARY KEY ("mac")
            )
        `);
    await queryRunner.query(`
            CREATE TABLE "workflow_versions" (
                "name" text COLLATE "C" NOT NULL,
                "digest" text NOT NULL,
                "state" text NOT NULL,
                "problem" text,
                "main_file" text NOT NULL,
                "files" text array NOT NULL,
                "size_bytes" integer NOT NULL,
                "put_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "put_by" text NOT NULL,
                CONSTRAINT "PK_421013b472ee7ae9467a135c2d6" PRIMARY KEY ("name", "digest")
            )
        `);
    await queryRunner.query(`
            CREATE TABLE "runs" (
                "id" uuid NOT NULL,
                "mac" text NOT NULL,
                "kind" text NOT NULL,
                "state" text NOT NULL,
                "version" integer NOT NULL,
                "workflow_name" text NOT NULL,
                "workflow_digest" text NOT NULL,
                "requested_by" text NOT NULL,
                "flash_job_id" uuid,
                "image_name" text,
                "image_sha256" text,
                "worker_id" text,
                "heartbeat_at" TIMESTAMP WITH TIME ZONE,
                "address" text,
                "history" jsonb NOT NULL,
                "error" jsonb,
                "report" jsonb,
                "baseline" integer,
                "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "started_at" TIMESTAMP WITH TIME ZONE,
                "finished_at" TIMESTAMP WITH TIME ZONE,
                CONSTRAINT "PK_46d6a1e257c38ba58f1a3c30836" PRIMARY KEY ("id")
            )
        `);
    await queryRunner.query(`
            CREATE INDEX "IDX_666c8fde889d7bede471106e95" ON "runs" ("mac")
        `);
    await queryRunner.query(`
            CREATE INDEX "runs_by_age" ON "runs" ("created_at", "id")
        `);
    await queryRunner.query(`
            CREATE UNIQUE INDEX "runs_one_active" ON "runs" ("mac")
            WHERE state IN ('queued', 'waiting', 'running')
        `);
    await queryRunner.query(`
            ALTER TABLE "machines"
            ADD "ssh_user" text NOT NULL DEFAULT 'root'
        `);
    await queryRunner.query(`
            ALTER TABLE "machines"
            ADD "ssh_key" text
        `);
    await queryRunner.query(`
            ALTER TABLE "machines"
            ADD "drift_ignore" text array NOT NULL DEFAULT '{}'
        `);
    await queryRunner.query(`
            ALTER TABLE "machines"
            ADD "booted_at" TIMESTAMP WITH TIME ZONE
        `);
    await queryRunner.query(`
            ALTER TABLE "machines"
            ADD "booted_ip" text
        `);
    await queryRunner.query(`
            ALTER TABLE "machines"
            ADD "ssh_host_keys" jsonb
        `);
    await queryRunner.query(`
            ALTER TABLE "machines"
            ADD "run_due" boolean NOT NULL DEFAULT false
        `);
    await queryRunner.query(`
            ALTER TABLE "flash_jobs"
            ADD "workflow_name" text
        `);
    await queryRunner.query(`
            ALTER TABLE "flash_jobs"
            ADD "workflow_digest" text
        `);
    await queryRunner.query(`
            ALTER TABLE "baselines"
            ADD CONSTRAINT "FK_36588db5f13a89ddace3db4d29a" FOREIGN KEY ("mac") REFERENCES "machines"("mac") ON DELETE CASCADE ON UPDATE NO ACTION
        `);
    await queryRunner.query(`
            ALTER TABLE "drift_checks"
            ADD CONSTRAINT "FK_753b963759f27864f932f51bf26" FOREIGN KEY ("mac") REFERENCES "machines"("mac") ON DELETE CASCADE ON UPDATE NO ACTION
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            ALTER TABLE "drift_checks" DROP CONSTRAINT "FK_753b963759f27864f932f51bf26"
        `);
    await queryRunner.query(`
            ALTER TABLE "baselines" DROP CONSTRAINT "FK_36588db5f13a89ddace3db4d29a"
        `);
    await queryRunner.query(`
            ALTER TABLE "flash_jobs" DROP COLUMN "workflow_digest"
        `);
    await queryRunner.query(`
            ALTER TABLE "flash_jobs" DROP COLUMN "workflow_name"
        `);
    await queryRunner.query(`
            ALTER TABLE "machines" DROP COLUMN "run_due"
        `);
    await queryRunner.query(`
            ALTER TABLE "machines" DROP COLUMN "ssh_host_keys"
        `);
    await queryRunner.query(`
            ALTER TABLE "machines" DROP COLUMN "booted_ip"
        `);
    await queryRunner.query(`
            ALTER TABLE "machines" DROP COLUMN "booted_at"
        `);
    await queryRunner.query(`
            ALTER TABLE "machines" DROP COLUMN "drift_ignore"
        `);
    await queryRunner.query(`
            ALTER TABLE "machines" DROP COLUMN "ssh_key"
        `);
    await queryRunner.query(`
            ALTER TABLE "machines" DROP COLUMN "ssh_user"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."runs_one_active"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."runs_by_age"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."IDX_666c8fde889d7bede471106e95"
        `);
    await queryRunner.query(`
            DROP TABLE "runs"
        `);
    await queryRunner.query(`
            DROP TABLE "workflow_versions"
        `);
    await queryRunner.query(`
            DROP TABLE "drift_checks"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."baselines_one_current"
        `);
    await queryRunner.query(`
            DROP TABLE "baselines"
        `);
  }
}
