import { existsSync } from "node:fs";
import { reasonAgainst, testDevice } from "./device.ts";

// Debian's chromium-common brings a Vulkan driver in software; real ones are found without help
const software = "/usr/lib/chromium/vk_swiftshader_icd.json";
if (!process.env.VK_ICD_FILENAMES && existsSync(software)) process.env.VK_ICD_FILENAMES = software;

testDevice("webgpu", await reasonAgainst("webgpu"));
