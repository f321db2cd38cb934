-- Restrip without Python: for editions of Resolve whose menu lists no Python scripts. Paste into Workspace > Console, Lua:
--
--     dofile([[...]])          (the line that `restrip install resolve` prints)
--
-- The open timeline goes out as OpenTimelineIO, `restrip resolve` restyles its marked clips, and what it writes comes in
-- again as a new timeline; yours stays as it is. Written by `restrip install resolve`, which filled in what follows.

local FOLDER = @FOLDER@ -- where timelines go out, and come in again from; ends with a separator
local BEFORE = @BEFORE@ -- the command up to the name of a timeline in that folder
local AFTER = @AFTER@ -- the command's end
local LOG = @LOG@ -- what it printed

local function say(text)
  print("Restrip: " .. text)
end

-- Ends the script with a sentence and what to do about it.
local function stop(what, remedy)
  error({ what = what, remedy = remedy }, 0)
end

local function need(value, what, remedy)
  if not value then
    stop(what, remedy)
  end
  return value
end

local function resolve_of_this_console()
  if resolve then
    return resolve
  end
  local ways = {
    function() return app:GetResolve() end,
    function() return Resolve() end,
    function() return bmd.scriptapp("Resolve") end,
  }
  for _, way in ipairs(ways) do
    local worked, found = pcall(way)
    if worked and found then
      return found
    end
  end
  return nil
end

-- What the command printed, a line at a time.
local function lines_of_log()
  local found = {}
  local file = io.open(LOG, "r")
  if file then
    for line in file:lines() do
      if line:match("%S") then
        found[#found + 1] = line
      end
    end
    file:close()
  end
  return found
end

-- os.execute answers a number in Lua 5.1 and LuaJIT (0 is well; on POSIX the status times 256); since 5.2 true or nil,
-- and a code.
local function went_well(command)
  local first, _, code = os.execute(command)
  if first == true or first == 0 then
    return true
  end
  code = code or first
  if type(code) == "number" and code > 255 then
    code = math.floor(code / 256)
  end
  return false, tostring(code)
end

local function restyle(stamp)
  say("Restyling the marked clips. That takes a while, and Resolve may not react meanwhile.")
  say("`restrip status --web` in a terminal shows how far it is, and stops it.")
  need(os and os.execute, "This Resolve lets no script start a program.",
    "In a terminal: restrip resolve \"" .. FOLDER .. stamp .. ".otio\" --look neural:19 --out restyled;"
      .. " then import what it names.")
  local well, code = went_well(BEFORE .. stamp .. AFTER)
  local said = lines_of_log()
  for index = math.max(1, #said - 19), #said do
    say(said[index])
  end
  if not well then
    local remedy = "The lines above say why; they are in " .. LOG .. "."
    if #said == 0 then
      remedy = "It printed nothing: run `restrip install resolve` again, which notes where Restrip is."
    end
    stop("The restrip command failed (" .. code .. ").", remedy)
  end
end

local function import(project, path, name)
  local pool = need(project:GetMediaPool(), "Resolve gives no media pool.", "Open the project again, and run this again.")
  -- Versions differ in which of the two finds the clips.
  for _, with_sources in ipairs({ true, false }) do
    local made = pool:ImportTimelineFromFile(path, { timelineName = name, importSourceClips = with_sources })
    if made then
      return made
    end
  end
  stop("Resolve didn't import the timeline.", "File > Import > Timeline: choose " .. path .. ".")
end

local function run()
  local app_of_scripts = need(resolve_of_this_console(), "Resolve doesn't answer scripts.",
    "Run this in Resolve: Workspace > Console, Lua.")
  local manager = need(app_of_scripts:GetProjectManager(), "Resolve gives no project manager.", "Start Resolve again.")
  local project = need(manager:GetCurrentProject(), "No project is open.", "Open one, and run this again.")
  local timeline = need(project:GetCurrentTimeline(), "No timeline is open.", "Open one, and run this again.")
  local name = timeline:GetName() or "timeline"
  local stamp = os.date("%Y%m%d-%H%M%S")
  local out = FOLDER .. stamp .. ".otio"
  local back = FOLDER .. stamp .. " restyled.otio"
  need(app_of_scripts.EXPORT_OTIO, "This version exports no OpenTimelineIO to scripts.",
    "File > Export > Timeline, type .otio; then `restrip resolve` in a terminal (docs/resolve.md).")
  say("Exporting " .. name .. ".")
  need(timeline:Export(out, app_of_scripts.EXPORT_OTIO, app_of_scripts.EXPORT_NONE),
    "Resolve didn't export " .. name .. ".",
    "Run `restrip install resolve` again, which makes " .. FOLDER .. "; else File > Export > Timeline, type .otio.")
  restyle(stamp)
  say("Importing what came out.")
  import(project, back, name .. " restyled " .. stamp)
  say("The new timeline is " .. name .. " restyled " .. stamp .. ".")
end

local worked, failure = pcall(run)
if not worked then
  if type(failure) == "table" then
    say(failure.what)
    say(failure.remedy)
  else
    say("It failed: " .. tostring(failure))
    say("Please send that line with a report, and use File > Export > Timeline with `restrip resolve` meanwhile.")
  end
end
