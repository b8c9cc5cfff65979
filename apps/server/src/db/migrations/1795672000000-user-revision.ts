import type { MigrationInterface, QueryRunner } from 'typeorm';

export class UserRevision1795672000000 implements MigrationInterface {
  name = 'UserRevision1795672000000';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            ALTER TABLE "users"
            ADD "revision" integer NOT NULL DEFAULT '1'
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            ALTER TABLE "users" DROP COLUMN "revision"
        `);
  }
}
