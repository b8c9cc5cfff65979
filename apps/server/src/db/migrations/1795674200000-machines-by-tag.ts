import type { MigrationInterface, QueryRunner } from 'typeorm';

export class MachinesByTag1795674200000 implements MigrationInterface {
  name = 'MachinesByTag1795674200000';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            CREATE INDEX "machines_by_tag" ON "machines" USING gin ("tags")
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            DROP INDEX "public"."machines_by_tag"
        `);
  }
}
