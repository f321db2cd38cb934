"""What the user sees and clicks: panels, menus, operators."""
