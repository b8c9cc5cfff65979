import type { MigrationInterface, QueryRunner } from 'typeorm';

export class FlashOrders1795670300000 implements MigrationInterface {
  name = 'FlashOrders1795670300000';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            DROP INDEX "public"."flash_jobs_idempotency_key"
        `);
    await queryRunner.query(`
            CREATE TABLE "idempotency_keys" (
                "holder" text NOT NULL,
                "key" text NOT NULL,
                "request_hash" text NOT NULL,
                "outcomes" jsonb NOT NULL,
                "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                CONSTRAINT "PK_47fcec80237c26c043c0342afdf" PRIMARY KEY ("holder", "key")
            )
        `);
    await queryRunner.query(`
            CREATE INDEX "idempotency_keys_by_age" ON "idempotency_keys" ("created_at")
        `);
    await queryRunner.query(`
            INSERT INTO "idempotency_keys" ("holder", "key", "request_hash", "outcomes", "created_at")
            SELECT "requested_by", "idempotency_key", "request_hash",
                jsonb_build_array(jsonb_build_object('mac', "mac", 'jobId', "id")), "created_at"
            FROM "flash_jobs" WHERE "idempotency_key" IS NOT NULL AND "request_hash" IS NOT NULL
        `);
    await queryRunner.query(`
            ALTER TABLE "flash_jobs" DROP COLUMN "idempotency_key"
        `);
    await queryRunner.query(`
            ALTER TABLE "flash_jobs" DROP COLUMN "request_hash"
        `);
    await queryRunner.query(`
            ALTER TABLE "flash_jobs"
            ADD "retry_of" uuid
        `);
    await queryRunner.query(`
            ALTER TABLE "flash_jobs"
            ADD "predicted_ms" integer
        `);
    await queryRunner.query(`
            ALTER TABLE "flash_jobs"
            ADD "predicted_from" text
        `);
    await queryRunner.query(`
            ALTER TABLE "flash_jobs"
            ADD "waiting_since" TIMESTAMP WITH TIME ZONE
        `);
    await queryRunner.query(`
            ALTER TABLE "flash_jobs"
            ADD "waiting_seen_at" TIMESTAMP WITH TIME ZONE
        `);
    await queryRunner.query(`
            CREATE INDEX "flash_jobs_of_image" ON "flash_jobs" ("image_sha256", "finished_at")
            WHERE state = 'succeeded'
        `);
    await queryRunner.query(`
            CREATE INDEX "flash_jobs_of_machine" ON "flash_jobs" ("mac", "finished_at")
            WHERE state = 'succeeded'
        `);
    await queryRunner.query(`
            CREATE INDEX "flash_jobs_waiting" ON "flash_jobs" ("waiting_since")
            WHERE state = 'queued'
                AND waiting_since IS NOT NULL
        `);
    await queryRunner.query(`
            CREATE INDEX "flash_jobs_held" ON "flash_jobs" ("state")
            WHERE state IN ('dispatched', 'running')
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            DROP INDEX "public"."flash_jobs_held"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."flash_jobs_waiting"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."flash_jobs_of_machine"
        `);
    await queryRunner.query(`
            DROP INDEX "public"."flash_jobs_of_image"
        `);
    await queryRunner.query(`
            ALTER TABLE "flash_jobs" DROP COLUMN "waiting_seen_at"
        `);
    await queryRunner.query(`
            ALTER TABLE "flash_jobs" DROP COLUMN "waiting_since"
        `);
    await queryRunner.query(`
            ALTER TABLE "flash_jobs" DROP COLUMN "predicted_from"
        `);
    await queryRunner.query(`
            ALTER TABLE "flash_jobs" DROP COLUMN "predicted_ms"
        `);
    await queryRunner.query(`
            ALTER TABLE "flash_jobs" DROP COLUMN "retry_of"
        `);
    await queryRunner.query(`
            ALTER TABLE "flash_jobs"
            ADD "request_hash" text
        `);
    await queryRunner.query(`
            ALTER TABLE "flash_jobs"
            ADD "idempotency_key" text
        `);
    await queryRunner.query(`
            DROP INDEX "public"."idempotency_keys_by_age"
        `);
    await queryRunner.query(`
            DROP TABLE "idempotency_keys"
        `);
    await queryRunner.query(`
            CREATE UNIQUE INDEX "flash_jobs_idempotency_key" ON "flash_jobs" USING btree ("idempotency_key")
        `);
  }
}
