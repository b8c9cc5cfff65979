import type { MigrationInterface, QueryRunner } from 'typeorm';

export class MachineRevision1795670000000 implements MigrationInterface {
  name = 'MachineRevision1795670000000';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            ALTER TABLE "machines"
            ADD "revision" integer NOT NULL DEFAULT '1'
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            ALTER TABLE "machines" DROP COLUMN "revision"
        `);
  }
}
