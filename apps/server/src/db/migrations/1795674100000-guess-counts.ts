import type { MigrationInterface, QueryRunner } from 'typeorm';

export class GuessCounts1795674100000 implements MigrationInterface {
  name = 'GuessCounts1795674100000';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            CREATE TABLE "guess_counts" (
                "key" text NOT NULL,
                "points" integer NOT NULL,
                "expire" bigint,
                CONSTRAINT "PK_guess_counts" PRIMARY KEY ("key")
            )
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            DROP TABLE "guess_counts"
        `);
  }
}
