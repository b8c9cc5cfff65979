import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Webhooks1795670400000 implements MigrationInterface {
  name = 'Webhooks1795670400000';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            CREATE TABLE "webhooks" (
                "id" uuid NOT NULL,
                "url" text NOT NULL,
                "description" text NOT NULL DEFAULT '',
                "actions" text array NOT NULL DEFAULT '{}',
                "enabled" boolean NOT NULL DEFAULT true,
                "secret" text NOT NULL,
                "hears_since" TIMESTAMP WITH TIME ZONE NOT NULL,
                "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "updated_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                CONSTRAINT "PK_9e8795cfc899ab7bdaa831e8527" PRIMARY KEY ("id")
            )
        `);
    await queryRunner.query(`
            CREATE TABLE "webhook_cursor" (
                "id" integer NOT NULL,
                "tx" bigint NOT NULL,
                "event_id" bigint NOT NULL,
                CONSTRAINT "PK_0c6c384afe5f86ad6ef997092d2" PRIMARY KEY ("id")
            )
        `);
    await queryRunner.query(`
            CREATE TABLE "webhook_deliveries" (
                "id" uuid NOT NULL,
                "webhook_id" uuid NOT NULL,
                "event_id" bigint NOT NULL,
                "body" jsonb NOT NULL,
                "state" text NOT NULL,
                "attempts" integer NOT NULL,
                "next_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "last_status" integer,
                "last_error" text,
                "created_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                "ended_at" TIMESTAMP WITH TIME ZONE,
                CONSTRAINT "PK_535dd409947fb6d8fc6dfc0112a" PRIMARY KEY ("id")
            )
        `);
    await queryRunner.query(`
            CREATE INDEX "webhook_deliveries_by_age" ON "webhook_deliveries" ("created_at")
        `);
    await queryRunner.query(`
            CREATE INDEX "webhook_deliveries_pending" ON "webhook_deliveries" ("next_at")
            WHERE state = 'pending'
        `);
    await queryRunner.query(`
            CREATE UNIQUE INDEX "webhook_deliveries_once" ON "webhook_deliveries" ("webhook_id", "event_id")
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE "webhook_deliveries"');
    await queryRunner.query('DROP TABLE "webhook_cursor"');
    await queryRunner.query('DROP TABLE "webhooks"');
  }
}
