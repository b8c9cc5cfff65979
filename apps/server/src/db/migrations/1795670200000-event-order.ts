import type { MigrationInterface, QueryRunner } from 'typeorm';

export class EventOrder1795670200000 implements MigrationInterface {
  name = 'EventOrder1795670200000';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            ALTER TABLE "events"
            ADD "tx" bigint NOT NULL DEFAULT '0'
        `);
    await queryRunner.query(`
            CREATE INDEX "events_in_order" ON "events" ("tx", "id")
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            DROP INDEX "public"."events_in_order"
        `);
    await queryRunner.query(`
            ALTER TABLE "events" DROP COLUMN "tx"
        `);
  }
}
