import { reasonAgainst, testDevice } from "./device.ts";

// TF32 would cost the bounds their meaning
process.env.NVIDIA_TF32_OVERRIDE = "0";

testDevice("cuda", await reasonAgainst("cuda"));
