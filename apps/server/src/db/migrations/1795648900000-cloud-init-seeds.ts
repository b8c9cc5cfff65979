import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CloudInitSeeds1795648900000 implements MigrationInterface {
  name = 'CloudInitSeeds1795648900000';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            CREATE TABLE "installation_keys" (
                "name" text NOT NULL,
                "public_key" text NOT NULL,
                "private_key" text NOT NULL,
                "created_at" TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
                CONSTRAINT "PK_702058fe84bd391b7ee366f7309" PRIMARY KEY ("name")
            )
        `);
    await queryRunner.query(`
            ALTER TABLE "flash_jobs"
            ADD "seed" jsonb
        `);
    await queryRunner.query(`
            ALTER TABLE "machines"
            ADD "user_data" text
        `);
    await queryRunner.query(`
            ALTER TABLE "machines"
            ADD "meta_data" text
        `);
    await queryRunner.query(`
            ALTER TABLE "machines"
            ADD "network_config" text
        `);
    await queryRunner.query(`
            ALTER TABLE "machines"
            ADD "vendor_data" text
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            ALTER TABLE "machines" DROP COLUMN "vendor_data"
        `);
    await queryRunner.query(`
            ALTER TABLE "machines" DROP COLUMN "network_config"
        `);
    await queryRunner.query(`
            ALTER TABLE "machines" DROP COLUMN "meta_data"
        `);
    await queryRunner.query(`
            ALTER TABLE "machines" DROP COLUMN "user_data"
        `);
    await queryRunner.query(`
            ALTER TABLE "flash_jobs" DROP COLUMN "seed"
        `);
    await queryRunner.query(`
            DROP TABLE "installation_keys"
        `);
  }
}
