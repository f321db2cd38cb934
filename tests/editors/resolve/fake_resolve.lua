-- Resolve as a Lua console shows it, as far as restrip.lua asks: an unknown method or a wrong call is an error.
-- `facts` is filled in by the test: what each step answers, and `log`, what was called.

local function strict(kind, methods)
  return setmetatable({}, {
    __index = function(_, name)
      local found = methods[name]
      if found == nil then error(kind .. " has no " .. tostring(name), 2) end
      return found
    end,
    __newindex = function(_, name) error(kind .. "." .. tostring(name) .. " can't be set", 2) end,
  })
end

local function called(text)
  facts.log[#facts.log + 1] = text
end

local timeline, pool, project, manager, application

local imported = strict("Timeline", {})

timeline = strict("Timeline", {
  GetName = function(self, ...)
    assert(self == timeline and select("#", ...) == 0)
    return facts.name
  end,
  Export = function(self, path, kind, sort, ...)
    assert(self == timeline and select("#", ...) == 0)
    assert(type(path) == "string" and kind == facts.EXPORT_OTIO and sort == "none", "Export of " .. tostring(kind))
    called("export " .. path)
    return facts.export(path)
  end,
})

pool = strict("MediaPool", {
  ImportTimelineFromFile = function(self, path, options, ...)
    assert(self == pool and select("#", ...) == 0)
    for name in pairs(options) do
      assert(name == "timelineName" or name == "importSourceClips", "the import option " .. name)
    end
    called("import " .. tostring(options.importSourceClips) .. " " .. options.timelineName .. " " .. path)
    if facts.import(path, options.importSourceClips) then return imported end
    return nil
  end,
})

project = strict("Project", {
  GetCurrentTimeline = function(self)
    assert(self == project)
    return facts.timeline and timeline or nil
  end,
  GetMediaPool = function(self)
    assert(self == project)
    return facts.pool and pool or nil
  end,
})

manager = strict("ProjectManager", {
  GetCurrentProject = function(self)
    assert(self == manager)
    return facts.project and project or nil
  end,
})

local known = {
  GetProjectManager = function(self)
    assert(self == application)
    return manager
  end,
  EXPORT_NONE = "none",
}
-- A constant that a version lacks reads as nil.
application = setmetatable({}, {
  __index = function(_, name)
    if name == "EXPORT_OTIO" then return facts.EXPORT_OTIO end
    if known[name] == nil then error("Resolve has no " .. tostring(name), 2) end
    return known[name]
  end,
})

if facts.way == "resolve" then
  resolve = application
elseif facts.way == "app" then
  app = { GetResolve = function(self) assert(self == app) return application end }
elseif facts.way == "Resolve" then
  Resolve = function() return application end
elseif facts.way == "bmd" then
  bmd = { scriptapp = function(name) assert(name == "Resolve") return application end }
end
