import type { MigrationInterface, QueryRunner } from 'typeorm';

export class AgentPresences1795674000000 implements MigrationInterface {
  name = 'AgentPresences1795674000000';

  public async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            CREATE TABLE "agent_presences" (
                "mac" text COLLATE "C" NOT NULL,
                "holder" uuid NOT NULL,
                "session_id" uuid NOT NULL,
                "ip" text NOT NULL,
                "seen_at" TIMESTAMP WITH TIME ZONE NOT NULL,
                CONSTRAINT "PK_agent_presences" PRIMARY KEY ("mac")
            )
        `);
    await queryRunner.query(`
            CREATE INDEX "agent_presences_of_holder" ON "agent_presences" ("holder")
        `);
  }

  public async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
            DROP TABLE "agent_presences"
        `);
  }
}
