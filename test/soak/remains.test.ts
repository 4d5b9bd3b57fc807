import { testDeaths } from "../check/cut-operations.ts";

testDeaths(1);
