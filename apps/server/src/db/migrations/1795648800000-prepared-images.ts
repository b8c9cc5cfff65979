import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Images get packs and maps. Those that were ready before, or of a format that could not be flashed, are prepared now. */
export class PreparedImages1795648800000 implements MigrationInterface {
  name = 'PreparedImages1795648800000';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            ALTER TABLE "images" DROP COLUMN "content_blake3"
        `);
    await queryRunner.query(`
            ALTER TABLE "images"
            ADD "map_blake3" text,
                ADD "map_size_bytes" bigint,
                ADD "pack_blake3" text,
                ADD "pack_size_bytes" bigint,
                ADD "progress" jsonb
        `);
    await queryRunner.query(`
            UPDATE "images"
            SET "state" = 'preparing',
                "error" = NULL
            WHERE "state" = 'ready'
                OR ("state" = 'unsupported' AND "error" ->> 'code' = 'IMAGE_INVALID')
        `);
    await queryRunner.query(`
            ALTER TABLE "flash_jobs" DROP COLUMN "content_blake3"
        `);
    await queryRunner.query(`
            ALTER TABLE "flash_jobs"
            ADD "content_sha256" text,
                ADD "map_blake3" text,
                ADD "map_size_bytes" bigint,
                ADD "pack_blake3" text
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            ALTER TABLE "flash_jobs" DROP COLUMN "pack_blake3",
                DROP COLUMN "map_size_bytes",
                DROP COLUMN "map_blake3",
                DROP COLUMN "content_sha256"
        `);
    await queryRunner.query(`
            ALTER TABLE "flash_jobs"
            ADD "content_blake3" text
        `);
    await queryRunner.query(`
            ALTER TABLE "images" DROP COLUMN "progress",
                DROP COLUMN "pack_size_bytes",
                DROP COLUMN "pack_blake3",
                DROP COLUMN "map_size_bytes",
                DROP COLUMN "map_blake3"
        `);
    await queryRunner.query(`
            ALTER TABLE "images"
            ADD "content_blake3" text
        `);
  }
}
