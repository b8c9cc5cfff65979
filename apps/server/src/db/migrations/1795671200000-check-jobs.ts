import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CheckJobs1795671200000 implements MigrationInterface {
  name = 'CheckJobs1795671200000';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            ALTER TABLE "flash_jobs"
            ADD "kind" text NOT NULL DEFAULT 'flash'
        `);
    await queryRunner.query(`
            ALTER TABLE "flash_jobs"
            ADD "check_result" jsonb
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            ALTER TABLE "flash_jobs" DROP COLUMN "check_result"
        `);
    await queryRunner.query(`
            ALTER TABLE "flash_jobs" DROP COLUMN "kind"
        `);
  }
}
