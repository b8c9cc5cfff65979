import type { MigrationInterface, QueryRunner } from 'typeorm';

export class FlashJobReports1795670100000 implements MigrationInterface {
  name = 'FlashJobReports1795670100000';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            ALTER TABLE "flash_jobs"
            ADD "report" jsonb
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            ALTER TABLE "flash_jobs" DROP COLUMN "report"
        `);
  }
}
