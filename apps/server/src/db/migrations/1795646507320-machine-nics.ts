import type { MigrationInterface, QueryRunner } from 'typeorm';

export class MachineNics1795646507320 implements MigrationInterface {
  name = 'MachineNics1795646507320';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            CREATE TABLE "machine_nics" (
                "mac" text COLLATE "C" NOT NULL,
                "box" uuid NOT NULL,
                "dmi_uuid" text NOT NULL,
                "seen_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                CONSTRAINT "PK_a5a52cdcbfa696d5da97b67cc02" PRIMARY KEY ("mac")
            )
        `);
    await queryRunner.query(`
            CREATE INDEX "IDX_8248b693a6a2f686845204b99e" ON "machine_nics" ("box")
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            DROP INDEX "public"."IDX_8248b693a6a2f686845204b99e"
        `);
    await queryRunner.query(`
            DROP TABLE "machine_nics"
        `);
  }
}
