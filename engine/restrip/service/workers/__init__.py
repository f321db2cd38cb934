"""The processes that compute, as the supervisor holds them: started, heard, watched, ended."""
